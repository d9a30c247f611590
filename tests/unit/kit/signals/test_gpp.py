import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.signals import OptOuts, SignalMalformedError, decode_gpp, decode_tcf

VECTORS = json.loads(Path(__file__).with_name("gpp_vectors.json").read_text())["vectors"]
# Of the specification's own text.
EUROPE = "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
BOTH = "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN"


class TestDecodeGpp:
    def test_agrees_with_the_library_of_its_authors_on_every_section(self):
        assert len(VECTORS) > 200
        for vector in VECTORS:
            read = decode_gpp(vector["gpp"])
            told = {
                str(number): sorted(name for name, is_out in asdict(outs).items() if is_out)
                for number, outs in read.opt_outs.items()
            }
            assert list(read.sections) == vector["sections"]
            assert told == vector["opt_outs"]

    def test_reads_the_examples_of_the_specification(self):
        assert decode_gpp(EUROPE).sections == (2,)
        both = decode_gpp(BOTH)
        assert both.sections == (2, 6)
        assert both.tcf == EUROPE.partition("~")[2]
        assert both.opt_outs == {6: OptOuts()}

    def test_a_sale_refused_under_us_privacy(self):
        assert decode_gpp(BOTH.replace("1YNN", "1YYN")).opted_out == OptOuts(sale=True)

    @pytest.mark.parametrize(
        "text", ["", "~", "DBABMA", "DBABMA~a~b", "AAAA", "DBABMA~" + "A" * 20_000 + "~", "DBAA~é", "DBACNYA~x~1YZN"]
    )
    def test_what_is_none_is_refused(self, text):
        with pytest.raises(SignalMalformedError):
            decode_gpp(text)

    @given(text=st.text(st.sampled_from("ABCDMNYaz09-_~.1"), max_size=60))
    def test_anything_is_read_or_refused(self, text):
        try:
            decode_gpp("D" + text)
        except SignalMalformedError:
            return


class TestDecodeTcf:
    def test_reads_consented_and_refused_purposes(self):
        # Of the specification's text: purposes 1 to 3 and others allowed.
        read = decode_tcf("COw4XqLOw4XqLAAAAAENAXCf-v-gAAAfwIAAACngAI8AEFABgACAA4A")
        assert read.consented | read.refused == frozenset(range(1, 12))
        assert not read.consented & read.refused

    @pytest.mark.parametrize("text", ["", "C", "CPX", "B" + EUROPE.partition("~")[2][1:], "C" * 20_000, "Cé"])
    def test_what_is_none_is_refused(self, text):
        with pytest.raises(SignalMalformedError):
            decode_tcf(text)

    @given(text=st.text(st.sampled_from("ABCDMNYaz09-_."), max_size=120))
    def test_anything_is_read_or_refused(self, text):
        try:
            decode_tcf("C" + text)
        except SignalMalformedError:
            return

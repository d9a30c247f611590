import iab_tcf
import pytest

from kit.signals import decode_tcf


class TestVendors:
    @pytest.mark.parametrize("text", ["C" + "c" * 119, "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"])
    def test_both_encodings_say_what_the_decoder_says(self, text):
        read, decoded = iab_tcf.decode(text), decode_tcf(text)
        for number in (1, 2, 755, 29_127, 65_535):
            assert decoded.allows_vendor(number) == read.is_vendor_allowed(number)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.signals import SignalMalformedError, decode_tcf
from kit.signals.bits import _ALPHABET

VENDORS = st.integers(1, 65_535)
RANGES = st.lists(st.tuples(VENDORS, VENDORS).map(sorted).map(tuple), max_size=20)


def encoded(purposes, vendors):
    """The core segment that says these purposes and the given bits about vendors."""
    allowed = "".join("1" if number in purposes else "0" for number in range(1, 25))
    bits = f"{2:06b}" + "01" * 73 + allowed + "1" * 37 + vendors
    bits += "0" * (-len(bits) % 6)
    return "".join(_ALPHABET[int(bits[start : start + 6], 2)] for start in range(0, len(bits), 6))


def one_by_one(vendors):
    most = max(vendors, default=0)
    return f"{most:016b}0" + "".join("1" if number in vendors else "0" for number in range(1, most + 1))


def by_range(ranges):
    listed = "".join(f"0{first:016b}" if first == last else f"1{first:016b}{last:016b}" for first, last in ranges)
    return f"{65_535:016b}1{len(ranges):012b}{listed}"


class TestDecodeTcf:
    @given(st.sets(st.integers(1, 24)))
    def test_what_is_allowed_of_the_known_purposes_is_consented_and_the_rest_refused(self, purposes):
        read = decode_tcf(encoded(purposes, one_by_one([])))
        assert read.consented == purposes & set(range(1, 12))
        assert read.refused == set(range(1, 12)) - purposes

    @given(st.sets(st.integers(1, 2_000), max_size=50))
    def test_vendors_are_read_one_by_one(self, vendors):
        read = decode_tcf(encoded({1}, one_by_one(vendors)))
        assert {number for number in range(1, 2_001) if read.allows_vendor(number)} == vendors

    @given(RANGES)
    def test_vendors_are_read_by_range(self, ranges):
        assert decode_tcf(encoded({1}, by_range(ranges))).vendor_ranges == tuple(ranges)

    @pytest.mark.parametrize("vendors", ["0" * 10, f"{7:016b}0111", f"{7:016b}1{3:012b}0{1:016b}"])
    def test_a_string_that_ends_within_its_vendors_is_refused(self, vendors):
        with pytest.raises(SignalMalformedError, match="ends too early"):
            decode_tcf(encoded({1}, vendors))

"""What R saved, byte by byte."""

import gzip
import struct

import pytest

from bench.conjoint.rdata import load

_INTEGERS, _REALS, _STRINGS, _LIST, _CHARACTERS, _NIL = 13, 14, 16, 19, 9, 254


def number(*told):
    return struct.pack(f">{len(told)}i", *told)


def word(text):
    return number(_CHARACTERS, len(text)) + text.encode()


def saved(value):
    """One object named `survey`."""
    return b"RDX2\nX\n" + number(2, 0x40000, 0x20300, 0x402, 1) + word("survey") + value + number(_NIL)


def named_list():
    names = number(0x402, 1) + word("names") + number(_STRINGS, 2) + word("y") + word("price") + number(_NIL)
    values = number(_INTEGERS, 2, 3, 1) + number(_REALS, 1) + struct.pack(">d", 0.5)
    return number(_LIST | 0x200, 2) + values + names


class TestLoad:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress])
    def test_lists_come_with_their_names(self, tmp_path, pack):
        path = tmp_path / "survey.rda"
        path.write_bytes(pack(saved(named_list())))
        survey = load(path)["survey"]
        assert survey.names == ["y", "price"]
        assert [list(each.values) for each in survey.values] == [[3, 1], [0.5]]

    def test_what_is_not_read_is_refused(self, tmp_path):
        path = tmp_path / "survey.rda"
        path.write_bytes(saved(number(3)))
        with pytest.raises(ValueError, match="kind 3"):
            load(path)
        path.write_bytes(b"persona,task")
        with pytest.raises(ValueError, match="not saved by R"):
            load(path)

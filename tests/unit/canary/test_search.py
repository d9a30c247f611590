"""The canary's own eyes: what is planted in each form must be seen."""

import base64
import gzip
import zlib
from pathlib import Path

import pytest
import zstandard

from tests.e2e.canary.search import find, find_in_folder

_IDENTITY = "zq7canary.anna@example.org"
_UUID = "c0ffee00-dead-4bad-9bad-5ca1ab1e0001"
_NOISE = bytes(range(256)) * 40


class TestFind:
    @pytest.mark.parametrize("shift", [0, 1, 2, 3])
    def test_base64_is_seen_wherever_it_begins(self, shift: int) -> None:
        text = base64.b64encode(b"x" * shift + _IDENTITY.encode() + b"tail")
        assert list(find(_NOISE + text, [_IDENTITY]))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
    def test_encodings_are_seen(self, encoding: str) -> None:
        assert list(find(_NOISE + _IDENTITY.encode(encoding) + _NOISE, [_IDENTITY]))

    def test_hexadecimal_is_seen(self) -> None:
        assert list(find(_IDENTITY.encode().hex().encode(), [_IDENTITY]))

    def test_the_bytes_of_a_uuid_are_seen(self) -> None:
        assert list(find(bytes.fromhex(_UUID.replace("-", "")), [_UUID]))

    @pytest.mark.parametrize("compress", [gzip.compress, zlib.compress, zstandard.ZstdCompressor().compress])
    def test_compressed_blocks_are_opened(self, compress: object) -> None:
        assert callable(compress)
        block = compress(_NOISE + _IDENTITY.encode())
        assert list(find(b"in front" + block + b"behind", [_IDENTITY]))

    def test_nothing_is_seen_where_nothing_is(self) -> None:
        assert not list(find(_NOISE + gzip.compress(_NOISE), [_IDENTITY, _UUID]))


class TestFindInFolder:
    def test_file_names_and_contents_are_searched(self, tmp_path: Path) -> None:
        (tmp_path / f"{_UUID}.log").write_bytes(b"nothing")
        (tmp_path / "wal").mkdir()
        (tmp_path / "wal" / "0001").write_bytes(_NOISE + _IDENTITY.encode())
        assert {path for path, _, _ in find_in_folder(tmp_path, [_IDENTITY, _UUID])} == {f"{_UUID}.log", "wal/0001"}

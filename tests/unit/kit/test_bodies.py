import gzip
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import TooLargeError
from kit.http import BadEncodingError, read_body
from kit.http.bodies import DisconnectedError

GZIP = [(b"content-encoding", b"gzip")]


def received(*parts: bytes):
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts[:-1]]
    messages.append({"type": "http.request", "body": parts[-1], "more_body": False})

    async def receive():
        return messages.pop(0)

    return receive


async def read(*parts: bytes, headers=(), max_bytes: int = 1000) -> bytes:
    return await read_body(received(*parts), headers, max_bytes=max_bytes)


def halves(text: bytes) -> tuple[bytes, bytes]:
    return text[: len(text) // 2], text[len(text) // 2 :]


class TestPlainBodies:
    async def test_parts_are_joined(self):
        assert await read(b"one", b"two", b"") == b"onetwo"

    async def test_a_body_may_be_empty(self):
        assert await read(b"") == b""

    async def test_exactly_the_bound_is_accepted(self):
        assert len(await read(b"x" * 500, b"x" * 500)) == 1000

    @pytest.mark.parametrize("parts", [(b"x" * 1001,), (b"x" * 999, b"xx"), (b"x" * 999, b"xx", b"never read")])
    async def test_a_byte_more_is_too_large(self, parts):
        with pytest.raises(TooLargeError) as caught:
            await read(*parts)
        assert caught.value.limit == "1000 bytes"

    async def test_a_declared_length_is_refused_before_reading(self):
        with pytest.raises(TooLargeError):
            await read_body(None, [(b"content-length", b"1001")], max_bytes=1000)

    async def test_a_length_must_be_a_number(self):
        with pytest.raises(BadEncodingError):
            await read(b"x", headers=[(b"content-length", b"-1")])

    async def test_a_caller_may_go_away(self):
        async def receive():
            return {"type": "http.disconnect"}

        with pytest.raises(DisconnectedError):
            await read_body(receive, [], max_bytes=10)

    async def test_identity_is_plain(self):
        assert await read(b"x", headers=[(b"content-encoding", b"identity")]) == b"x"

    async def test_another_coding_is_refused(self):
        with pytest.raises(BadEncodingError):
            await read(b"x", headers=[(b"content-encoding", b"br")])


class TestGzippedBodies:
    @given(text=st.binary(max_size=900), cut=st.integers(0, 900))
    async def test_any_body_comes_out_as_it_went_in(self, text, cut):
        packed = gzip.compress(text)
        assert await read(packed[:cut], packed[cut:], headers=GZIP) == text

    async def test_members_are_joined(self):
        packed = gzip.compress(b"one") + gzip.compress(b"two")
        assert await read(*halves(packed), headers=GZIP) == b"onetwo"

    async def test_exactly_the_bound_is_accepted(self):
        assert len(await read(gzip.compress(b"x" * 1000), headers=GZIP)) == 1000

    async def test_what_cannot_be_shortened_is_accepted_too(self):
        text = os.urandom(1000)
        assert await read(gzip.compress(text), headers=GZIP) == text

    async def test_a_declared_length_is_refused_before_reading(self):
        with pytest.raises(TooLargeError):
            await read_body(None, [*GZIP, (b"content-length", b"2000")], max_bytes=1000)

    async def test_a_byte_more_is_too_large(self):
        with pytest.raises(TooLargeError):
            await read(gzip.compress(b"x" * 1001), headers=GZIP)

    async def test_a_second_member_counts(self):
        with pytest.raises(TooLargeError):
            await read(gzip.compress(b"x" * 600) * 2, headers=GZIP)

    async def test_many_empty_members_are_too_large(self):
        with pytest.raises(TooLargeError):
            await read(gzip.compress(b"") * 100, headers=GZIP)

    async def test_a_bomb_takes_no_memory(self):
        bomb = gzip.compress(bytes(200_000_000))
        tracemalloc.start()
        with pytest.raises(TooLargeError):
            await read(bomb, headers=GZIP, max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not gzip at all",
            gzip.compress(b"text")[:-1],
            gzip.compress(b"text")[:5],
            gzip.compress(b"text") + b"junk",
            gzip.compress(os.urandom(100))[:-8] + bytes(8),
        ],
        ids=["empty", "plain", "cut", "header", "junk", "checksum"],
    )
    async def test_what_is_not_gzip_is_refused(self, body):
        with pytest.raises(BadEncodingError):
            await read(body, headers=GZIP)

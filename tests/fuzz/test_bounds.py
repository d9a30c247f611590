"""What a small request can make a door hold, and how long it can keep it busy."""

import gzip
import time
import tracemalloc
from collections.abc import Callable

import pytest

from gateway import parse
from gateway.domain import MAX_EVENTS, MAX_REST_BYTES
from kit.errors import TooLargeError
from kit.filtering import hits_in
from kit.http import BadEncodingError
from tests.fuzz import targets
from tests.fuzz.standing import ask, doors
from tests.fuzz.targets import TARGETS

_MIB = 1 << 20
_LONG = b"x" * 30_000


def held_after(work: Callable[[], object]) -> int:
    """Bytes that are still held once `work` is done."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held


class TestMemory:
    @pytest.mark.parametrize(
        "event",
        [
            b'{"event":"seen","userId":"u","properties":{"category":"%d%b"}}',
            b'{"event":"seen","userId":"%d%b"}',
            b'{"event":"seen","userId":"u","context":{"library":{"name":"%d%b"}}}',
            b'{"event":"seen","userId":"u","context":{"consent":{"categoryPreferences":{"%d%b":true}}}}',
            b'{"event":"seen","userId":"u","context":{"consent":{"tcString":"%d%b"}}}',
            b'{"event":"seen","userId":"u","context":{"consent":{"gppString":"%d%b"}}}',
        ],
        ids=["category", "user", "library", "preferences", "tcf", "gpp"],
    )
    def test_nothing_long_is_remembered(self, event: bytes) -> None:
        def send() -> None:
            for number in range(10):
                listed = b",".join(event % (number * 20 + place, _LONG) for place in range(20))
                targets.batch(b'{"batch":[%b]}' % listed)

        send()
        assert held_after(send) < _MIB

    def test_a_body_for_rest_ends_at_its_bound(self) -> None:
        status, _, answer = ask(doors().gateway, "POST", "/v1/persona", {}, b" " * (MAX_REST_BYTES + 1))
        assert (status, b"TOO_LARGE" in answer) == (413, True)

    def test_a_bomb_for_rest_is_not_inflated(self) -> None:
        bomb = gzip.compress(b" " * (64 * _MIB))
        status, _, _ = ask(doors().gateway, "POST", "/v1/persona", {"Content-Encoding": "gzip"}, bomb)
        assert status == 413


class TestTime:
    def test_more_events_than_fit_are_refused(self) -> None:
        zeros = b",".join([b"0"] * (MAX_EVENTS + 1))
        with pytest.raises(TooLargeError) as refused:
            parse.read_batch(b'{"batch":[%b]}' % zeros)
        assert (refused.value.field, refused.value.limit) == ("batch", "40000 events")

    def test_a_body_of_empty_gzip_members_is_refused(self) -> None:
        with pytest.raises(BadEncodingError) as refused:
            targets.read(gzip.compress(b"") * 100, b"gzip")
        assert refused.value.limit == "64 members"

    @pytest.mark.parametrize("name", TARGETS)
    @pytest.mark.parametrize("part", [b"[", b'{"a":', b"9", b"a@", b"1 ", b"\\ud800", b"license ", b"="])
    def test_it_grows_with_the_size_alone(self, name: str, part: bytes) -> None:
        started = time.process_time()
        TARGETS[name](part * (16_384 // len(part)))
        assert time.process_time() - started < 2

    def test_a_token_begun_again_and_again_is_looked_at_once(self) -> None:
        started = time.process_time()
        assert hits_in("eyJ" * 60_000) == []
        assert time.process_time() - started < 2

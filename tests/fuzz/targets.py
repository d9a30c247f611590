"""Every parser of a door as one function over bytes that fails where a law is broken, for hypothesis and atheris."""

import asyncio
import gzip
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from avatar_adapter import frames
from avatar_adapter.domain import World
from doors.subjects import SourceKeys
from gateway import access, parse, vocabulary
from gateway.moments import clamped, moment_ms, skew_ms
from gateway.sources import load_sources
from gateway.translate import Request, Translator
from gateway.vocabulary import Vocabulary, VocabularyPack
from kit.errors import TypedError
from kit.filtering import hits_in
from kit.filtering.scan import search
from kit.http import read_body
from kit.packs import load
from kit.refusal import identity_in
from tests.fuzz.laws import assert_closed, assert_refused_by_type, assert_untold, topics_of
from tests.fuzz.standing import ask, doors

NOW_MS = 1_795_346_700_000
_PACK = load(vocabulary.PACK, VocabularyPack)
_VOCABULARY = Vocabulary(_PACK)
_TRANSLATOR = Translator(_VOCABULARY)
_TOPICS = topics_of(_PACK)
_KEYS = SourceKeys(b"k" * 32, "app:shop")
_CATEGORIES = load_sources().consent_categories("app:shop")
_STRINGS = load_sources().consent_strings("app:shop")
_WORLD = World("oak", "oak-street")
_MOST_BYTES = 4_096
_FRAME_ID = re.compile(rb'"i":"[^"]*"')
_MOST_EVENTS = 50

Target = Callable[[bytes], None]


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except TypedError as refusal:
        assert_refused_by_type(refusal)


def batch(data: bytes) -> None:
    """A batch, and each of its events."""
    with _refusals():
        _translated(parse.read_batch(data), "")


def single(data: bytes) -> None:
    """One event."""
    with _refusals():
        _translated(parse.read_single(data), "track")


def _translated(read: Any, type_: str) -> None:
    request = Request(
        "app:shop",
        _KEYS,
        _CATEGORIES,
        _STRINGS,
        NOW_MS,
        skew_ms(NOW_MS, read.sent_at),
        context=read.context,
        type=type_,
    )
    for raw in read.batch[:_MOST_EVENTS]:
        assert_closed(_TRANSLATOR.translate(request, raw), _VOCABULARY, _TOPICS, NOW_MS)


def preferences(data: bytes) -> None:
    """What a consent banner said."""
    try:
        said = _CATEGORIES.read(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    assert not set(said.granted) & set(said.withdrawn)
    assert_untold(repr(said))


def strings(data: bytes) -> None:
    """A TCF or GPP string: it states purposes of the pack, or is refused by type."""
    for read in (_STRINGS.read_tcf, _STRINGS.read_gpp):
        with _refusals():
            said = read(data.decode("latin-1"))
            assert not set(said.granted) & set(said.withdrawn)
            assert_untold(repr(said))


def moments(data: bytes) -> None:
    """A time, as JSON."""
    try:
        written = json.loads(data)
    except (ValueError, RecursionError):
        written = data.decode("latin-1")
    moment = moment_ms(written)
    if moment is not None:
        assert clamped(moment, NOW_MS) <= NOW_MS + 300_000
        assert isinstance(skew_ms(NOW_MS, written), int)


def keys(data: bytes) -> None:
    """Keys in headers and queries, and whom they stand for."""
    text = data.decode("latin-1")
    for read in (lambda: access.header_key(text), lambda: access.query_key(data), lambda: text):
        with _refusals():
            access.source_of(doors().credentials, access.agreed(read()))
    with _refusals():
        doors().guard().admit([(b"authorization", data), (b"x-secondlife-owner-key", data)])


def frame(data: bytes) -> None:
    """A frame, or a batch of them."""
    with _refusals():
        read = frames.parse(data)
        for raw in read.b if isinstance(read, frames.Batch) else ():
            assert frames.frame_id(raw).isascii()
            with _refusals():
                frames.parse_frame(raw)


def visit(data: bytes) -> None:
    """A visit token that nobody made."""
    with _refusals():
        doors().visits.read(_WORLD, data.decode("latin-1"))
        raise AssertionError("made up, and good")


def body(data: bytes) -> None:
    """A body in two parts: as it is, said to be gzip, and real gzip."""
    for coding, sent in ((b"", data), (b"gzip", data), (b"gzip", gzip.compress(data, 1))):
        with _refusals():
            assert len(read(sent, coding)) <= _MOST_BYTES


def read(sent: bytes, coding: bytes) -> bytes:
    """A body of at most 4,096 bytes, in two parts."""
    half = len(sent) // 2
    parts = [
        {"type": "http.request", "body": sent[half:], "more_body": False},
        {"type": "http.request", "body": sent[:half], "more_body": True},
    ]

    async def receive() -> dict[str, Any]:
        return parts.pop()

    return asyncio.run(read_body(receive, [(b"content-encoding", coding)], max_bytes=_MOST_BYTES))


def identities(data: bytes) -> None:
    """Whatever is judged: the gates hide nothing, and only an opaque id is harmless."""
    for text in (data.decode("latin-1"), data.decode("utf-8", "surrogateescape")):
        hits = hits_in(text)
        assert hits == search(text)
        assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)
        if identity_in(text) == "":
            assert len(text) <= 64
            assert text.isascii()
            assert not set(text) & set("@ /\n\0")


def tracking(data: bytes) -> None:
    """The gateway whole: paths of SDKs by the first byte, the rest is the body."""
    paths = ("/v1/batch", "/v1/t", "/v1/identify", "/beacon/v1/batch", "/v1/m")
    key = {"Authorization": f"Bearer {doors().app_key}"}
    _ask(doors().gateway, "POST", paths[data[0] % len(paths)] if data else "/v1/b", key, data[1:])


def rest(data: bytes) -> None:
    """The gateway whole: endpoints of apps and staff by the first byte, the rest is the body."""
    paths = ("consent/grant", "consent/withdraw", "consent/list", "persona", "recommendations", "catalogue/items")
    path = paths[data[0] % len(paths)] if data else "books"
    staff, app = f"Bearer {doors().staff_key}", f"Bearer {doors().app_key}"
    headers = {"Authorization": staff if path[0] in "cb" and "/i" in path else app, "Content-Type": "application/json"}
    method = "PUT" if path == "catalogue/items" else "POST"
    _ask(doors().gateway, method, f"/v1/{path}", headers, data[1:])


def world(data: bytes) -> None:
    """The avatar adapter whole."""
    _ask(doors().adapter, "POST", "/a/v1", {"Authorization": f"Bearer {doors().world_token}"}, data)


def _ask(app: Any, method: str, path: str, headers: dict[str, str], sent: bytes) -> None:
    status, told, answer = ask(app, method, path, headers, sent)
    # Services are away on purpose; nothing else may be our fault.
    assert status < 500 or status == 503, (path, status, answer)
    assert status != 503 or int(told["retry-after"]) >= 1
    # A frame is answered under the id that it came with, whatever that is.
    assert_untold(_FRAME_ID.sub(b"", answer), repr(told))
    if status != 200:
        refusal = json.loads(answer)
        assert {"code", "message"} <= refusal.keys() or {"code"} <= refusal["err"].keys()


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        batch, single, preferences, strings, moments, keys, frame, visit, body, identities, tracking, rest, world
    )
}  # fmt: skip

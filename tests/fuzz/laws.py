"""What holds whatever a door is sent."""

import math
from collections.abc import Iterable

import msgspec

from contracts.interaction.v1 import interaction_pb2, payload
from contracts.interaction.v1.payload import Interaction, Payload, Quarantined, Remains
from gateway.domain import CHANNELS
from gateway.moments import EARLIEST_MS
from gateway.vocabulary import Vocabulary, VocabularyPack
from kit.errors import TypedError
from kit.http import problem
from kit.refusal import identity_in

#: Stands for everything that somebody may send and nobody may see again. Where it may be an item it is one.
PLANTED = "planted-75317531"
# Longer than the digits of any moment that a log or an answer may tell.
_TRACE = "75317531"
_REASONS = {
    "malformed", "too_large", "unknown_type", "unknown_event", "identity_missing", "identity_refused", "out_of_range",
    "value_missing",
}  # fmt: skip
_MOST_VALUE = 1e11
_MINUTES_5_MS = 300_000


def assert_refused_by_type(refusal: TypedError) -> None:
    """A refusal is no defect of ours, and names nothing that was sent."""
    status, _, body = problem(refusal)
    assert status < 500, refusal
    assert_untold(body)


def assert_untold(*answers: bytes | str) -> None:
    """Nothing planted comes back."""
    for answer in answers:
        text = answer if isinstance(answer, str) else answer.decode("utf-8", "replace")
        assert _TRACE not in text, text


def assert_closed(fate: Interaction | Quarantined, vocabulary: Vocabulary, topics: Iterable[str], now_ms: int) -> None:
    """What is kept of an event is of the closed vocabulary, but for an opaque item."""
    if isinstance(fate, Quarantined):
        assert fate.reason in _REASONS
        assert len(fate.field) <= 80
        if fate.remains is not None:
            _assert_mendable(fate.remains, frozenset(topics))
        assert_untold(repr(msgspec.structs.replace(fate, remains=None)))
        return
    assert fate.kind in interaction_pb2.Kind.values()[1:]
    assert fate.channel in CHANNELS
    assert set(fate.topics) <= set(topics)
    assert EARLIEST_MS <= fate.at_ms <= now_ms + _MINUTES_5_MS
    assert fate.value is None or (math.isfinite(fate.value) and abs(fate.value) <= _MOST_VALUE)
    assert fate.item is None or identity_in(fate.item) == ""
    assert_untold(repr(fate).replace(repr(fate.item), ""))
    encoded = payload.encode(Payload([fate], []))
    assert payload.decode(encoded).interactions == [fate]


def _assert_mendable(remains: Remains, topics: frozenset[str]) -> None:
    """What is left of a refused event is what would have been kept of it, but for its name."""
    assert remains.channel in CHANNELS
    assert set(remains.topics) <= topics
    assert all(math.isfinite(value) and abs(value) <= _MOST_VALUE for value in remains.values.values())
    assert not any(map(identity_in, remains.items.values()))
    assert_untold(repr(msgspec.structs.replace(remains, items={})))


def topics_of(pack: VocabularyPack) -> frozenset[str]:
    """The closed list."""
    return frozenset(pack.topics)

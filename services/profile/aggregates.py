"""Questions about an audience as a whole, how much one persona adds to an answer, and what the answer may cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from kit.errors import Status, TypedError
from services.profile.decay import DAY_MS
from services.profile.noise import Noisy
from services.profile.views import TOP, View

#: Prices and budgets are in thousandths of epsilon: their sums are exact.
UNIT = 1000
LEAST_PRICE = 10


class PrivacyBudgetSpentError(TypedError):
    """The audience has not so much left; answers that were told already are still told."""

    reason = "PRIVACY_BUDGET_SPENT"
    status = Status.EXHAUSTED


class StillCountingError(TypedError):
    """It is paid and being counted; whoever asks again is told, and pays nothing."""

    reason = "STILL_COUNTING"
    status = Status.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Countable:
    """What is counted of a view, and in how many keys one persona can be."""

    keys: int
    of: Callable[[View], tuple[str, ...]]

    def keys_of(self, view: View) -> set[str]:
        """Return the keys that a persona with this view adds one to. Bounded here: the noise is made for so many."""
        return set(sorted(self.of(view))[: self.keys])


COUNTABLE: Mapping[str, Countable] = {
    "personas": Countable(1, lambda _: ("all",)),
    "likes": Countable(TOP, lambda view: view.likes),
    "dislikes": Countable(TOP, lambda view: view.dislikes),
    "wishes": Countable(TOP, lambda view: tuple(wish.ref for wish in view.wishes)),
    "channels": Countable(TOP, lambda view: view.channels),
    "day_parts": Countable(1, lambda view: (view.day_part,) if view.day_part else ()),
    "recency_periods": Countable(1, lambda view: (str(view.recency_periods),)),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about whom on which day. The same question has one answer, which is paid once."""

    brand: str
    audience: str
    counted: str
    price: int
    #: Since 1970 UTC.
    day: int

    @property
    def renews_at_ms(self) -> int:
        return (self.day + 1) * DAY_MS


@dataclass(frozen=True, slots=True)
class Budget:
    """What an audience may spend in any so many days that follow each other."""

    price: int
    days: int


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What was told, as it is kept. It names nobody, and was published: it outlives whoever was counted."""

    counts: dict[str, int]
    threshold: int
    scale: float
    counted_at_ms: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Answer)


def encode(noisy: Noisy, counted_at_ms: int) -> bytes:
    """Return an answer as it is kept."""
    return _encoder.encode(Answer(noisy.counts, noisy.threshold, noisy.scale, counted_at_ms))


def decode(body: bytes) -> Answer:
    """Return the answer that `encode` wrote."""
    return _decoder.decode(body)

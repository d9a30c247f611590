"""Where a persona stands and how it plays, for services that decide: derived once for each state of its traits and day.

Deriving takes up to 4 ms, and a decision has 5: so what was derived is kept, under what tells the state of traits.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from services.profile.choices import Choices
from services.profile.decay import DAY_MS
from services.profile.journey import UNKNOWN, Journeys
from services.profile.playing import PlayerPacks, play_of, pronounced
from services.profile.traits import Traits

#: Of whom it is kept, a quarter of a kilobyte each; what was asked for longest ago goes.
_MOST_KEPT = 20_000
_DIGEST_BYTES = 16
_OBJECTIONS = frozenset(("habits", "ranking"))
_encoder = msgspec.msgpack.Encoder()


class Bearing(NamedTuple):
    """The state of the journey, "unknown" where none is likely enough; the risk to switch, None of who has nothing yet.

    `play` names the dimensions that surely stand out, "<pack>.<dimension>", the strongest first.
    """

    journey: str = UNKNOWN
    switching_risk: float | None = None
    play: tuple[str, ...] = ()


class Bearings:
    """What was derived, by a digest of all that it follows from: never another's, nor what a link of before told."""

    def __init__(self, journeys: Journeys, players: PlayerPacks, most: int = _MOST_KEPT) -> None:
        self._journeys = journeys
        self._players = players
        self._most = most
        self._kept: OrderedDict[bytes, Bearing] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, brand: str, traits: Traits, chosen: Choices, at_ms: int) -> Bearing | None:
        """Return it; None where the person objects to what follows from habits, or to being ranked for."""
        if not _OBJECTIONS.isdisjoint(chosen.objections):
            return None
        state = _state(brand, traits, at_ms // DAY_MS)
        found = self._kept.pop(state, None) or self._derived(brand, traits, at_ms)
        self._kept[state] = found
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found

    def _derived(self, brand: str, traits: Traits, at_ms: int) -> Bearing:
        journey, pack = self._journeys.of(traits, at_ms), self._players.of(brand)
        play = play_of(pack, traits, at_ms)
        strongest = sorted(pronounced(play), key=lambda name: -play[name].mean)
        return Bearing(journey.state, journey.switching_risk, tuple(f"{pack.id}.{name}" for name in strongest))


def _state(brand: str, traits: Traits, day: int) -> bytes:
    # Of an interaction its id says all.
    told = brand, day, traits.kinds, traits.played, [each.mid for each in traits.last]
    return blake2b(_encoder.encode(told), digest_size=_DIGEST_BYTES).digest()

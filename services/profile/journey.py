"""Where a persona stands with what it might buy, a loop and no funnel, and its risk to switch: derived while reading.

States are those of a hidden Markov model over days, which the newest interactions speak for. The risk is a plain sum
that only rises with grievances, with looking around and with silence, until a sign of staying.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from kit import packs
from kit.packs import Pack, Words
from services.profile.decay import DAY_MS
from services.profile.domain import Kind
from services.profile.traits import Recent, Traits

PACK = Path(__file__).parent / "packs" / "journey.yaml"
State = Literal["discovering", "weighing", "buying", "using", "reweighing"]
STATES: tuple[State, ...] = get_args(State)
UNKNOWN = "unknown"
#: Whoever was silent for so long stands where everybody does.
_MOST_DAYS = 365
_NEARLY = 1e-9
_Chance = Annotated[float, Meta(ge=0, le=1)]
_Factor = Annotated[float, Meta(gt=0, le=100)]
_Rise = Annotated[float, Meta(ge=0, le=10)]
_Floats = NDArray[np.float64]


class Switching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Log odds that rise by so much per doubling of each; kinds of interaction by what they are a sign of."""

    usual: Annotated[float, Meta(ge=-20, le=20)]
    grievance: _Rise
    looking: _Rise
    silence: _Rise
    usual_gap_days: Annotated[float, Meta(gt=0)]
    stays: tuple[str, ...]
    grieves: tuple[str, ...]
    looks: tuple[str, ...]


class JourneyPack(Pack, frozen=True, kw_only=True):
    """The file."""

    source: Words
    least_told: _Chance
    begins: dict[State, _Chance]
    a_day: dict[State, dict[State, _Chance]]
    says: dict[str, dict[State, _Factor]]
    switching: Switching


class Journey(NamedTuple):
    """The chance of each state; the one that may be told, else "unknown"; the risk, None of who has nothing yet."""

    chances: Mapping[State, float]
    state: str
    switching_risk: float | None


class Journeys:
    """The pack, made ready: for each number of days the chances of going from state to state, and what deeds say."""

    def __init__(self, pack: JourneyPack) -> None:
        self.name = f"{pack.id}/{pack.version}"
        self._least_told, self._switching = pack.least_told, pack.switching
        self._begins = _row(pack.begins, 0.0)
        self._after = [np.eye(len(STATES))]
        for _ in range(_MOST_DAYS):
            self._after.append(self._after[-1] @ _a_day(pack))
        self._says = {int(Kind[name.upper()]): _row(factors, 1.0) for name, factors in pack.says.items()}
        self._stays, self._grieves, self._looks = (
            frozenset(int(Kind[name.upper()]) for name in names)
            for names in (pack.switching.stays, pack.switching.grieves, pack.switching.looks)
        )

    def of(self, traits: Traits, at_ms: int) -> Journey:
        """Return where the persona of these traits stands at a moment."""
        believed = self._believed([each for each in traits.last if each.at <= at_ms], at_ms // DAY_MS)
        chances = dict(zip(STATES, believed.tolist(), strict=True))
        likeliest = max(STATES, key=chances.__getitem__)
        state = likeliest if chances[likeliest] >= self._least_told else UNKNOWN
        return Journey(chances, state, self._risk(traits, at_ms))

    def _believed(self, done: list[Recent], today: int) -> _Floats:
        believed, before = self._begins, done[0].at // DAY_MS if done else today
        for day, deeds in groupby(done, key=lambda each: each.at // DAY_MS):
            believed = self._later(believed, day - before)
            # Each kind once a day: ten looks at one shelf say no more than one.
            for kind in sorted({each.kind for each in deeds} & self._says.keys()):
                believed = believed * self._says[kind]
            believed, before = believed / believed.sum(), day
        return self._later(believed, today - before)

    def _later(self, believed: _Floats, days: int) -> _Floats:
        return np.asarray(believed @ self._after[min(days, _MOST_DAYS)])

    def _risk(self, traits: Traits, at_ms: int) -> float | None:
        signs = [tally for kind, tally in traits.kinds.items() if kind in self._stays]
        if not signs:
            return None
        first, last = min(each.first_at for each in signs), max(each.last_at for each in signs)
        since = [each.kind for each in traits.last if last < each.at <= at_ms]
        told = self._switching
        # The first sign has no gap before it: as if it had come after the usual one.
        gap_ms = (last - first + told.usual_gap_days * DAY_MS) / sum(each.count for each in signs)
        odds = (
            told.usual
            + told.grievance * math.log2(1 + sum(kind in self._grieves for kind in since))
            + told.looking * math.log2(1 + sum(kind in self._looks for kind in since))
            + told.silence * math.log2(1 + max(0, at_ms - last) / max(gap_ms, DAY_MS))
        )
        return 1 / (1 + math.exp(-odds))


@lru_cache(maxsize=4)
def load_journeys(path: Path = PACK) -> Journeys:
    """Return the pack in `path`, made ready; raises PackError that names the field."""
    return Journeys(packs.checked(path, JourneyPack, _problems))


def _row(told: Mapping[State, float], otherwise: float) -> _Floats:
    return np.array([told.get(state, otherwise) for state in STATES])


def _a_day(pack: JourneyPack) -> _Floats:
    moves = np.array([_row(pack.a_day.get(state, {}), 0.0) for state in STATES])
    return moves + np.diag(1.0 - moves.sum(axis=1))


def _problems(pack: JourneyPack) -> Iterator[str]:
    if abs(math.fsum(pack.begins.values()) - 1) > _NEARLY or min(_row(pack.begins, 0.0)[:-1]) <= 0:
        yield "begins: chances above 0 of all states but reweighing are needed, which add up to 1"
    for state, moves in pack.a_day.items():
        if state in moves or math.fsum(moves.values()) > 1:
            yield f"a_day.{state}: chances of other states are needed, which add up to 1 at most"
    switching = pack.switching
    for field, names in (
        ("says", pack.says),
        ("switching.stays", switching.stays),
        ("switching.grieves", switching.grieves),
        ("switching.looks", switching.looks),
    ):
        yield from (f"{field}: there is no kind {name}" for name in _unknown(names))
    if set(switching.stays) & {*switching.grieves, *switching.looks}:
        yield "switching: a kind is a sign of staying or of leaving"


def _unknown(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.upper() not in Kind.__members__]

"""What is known of a history, and what each kind of evidence makes of every item: plain numpy over plain arrays."""

import math
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.domain import Met
from services.recommendation.fitting import Weights
from services.recommendation.sums import WEEK_MS, WEEKS, Counts, Slots, Sums

Scores = NDArray[np.float32]
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: An item met p items ago weighs 2^(-p / half-life), in each profile and each sequence.
PROFILE_HALF_LIVES = (math.inf, 30.0, 8.0, 2.0)
SEQUENCE_HALF_LIVES = (1.0, 4.0)

#: Evidence is shrunk by this many meetings, so that a pair met once together does not look inseparable.
_TRANSITION_SHRINKAGE = 10.0
#: Transitions of older items weigh less than a hundredth.
_SEQUENCE_LENGTH = 30
#: Single precision tells a spread from rounding down to this share of the mean.
_ROUNDING = 1e-5
_LEAST_SPREAD = 1e-9


class History(NamedTuple):
    """Known and wanted items of one persona, oldest first, with how much each counts: a row for each half-life."""

    slots: Slots
    profile: Numbers
    sequence: Numbers


class Source(NamedTuple):
    """What made a row of scores: a row for each half-life.

    Entry (rows[i], slot) of `matrix`, times entry i of a row of strengths, times what `scale` has for the slot, is
    what `refs[i]` gave to that row's score of the slot.
    """

    refs: list[str]
    matrix: NDArray[np.number]
    rows: Slots
    strengths: Numbers
    scale: Numbers


def history_of(sums: Sums, met: tuple[Met, ...]) -> History:
    """Return what counts of a history."""
    unwanted = {each.item for each in met if each.weight <= 0}
    # Met again moves an item to where it was met last.
    newest: dict[str, float] = {}
    for item, weight in met:
        newest.pop(item, None)
        newest[item] = weight
    places = {item: slot for item in newest if item not in unwanted and (slot := sums.slots.get(item)) is not None}
    strengths = np.array([newest[item] for item in places], dtype=np.float64)
    profile, sequence = _decays(len(places))
    return History(np.array(list(places.values()), dtype=np.intp), strengths * profile, strengths * sequence)


def popularity(sums: Sums, at_ms: int, half_life_days: float) -> Numbers:
    """Return decayed interactions per item; weeks after `at_ms` do not count, and with none before it all meetings do.

    Ages count from the newest week that does, so that a long silence changes no order.
    """
    last = min(at_ms // WEEK_MS, sums.newest_week)

    def work() -> Numbers:
        kept = np.arange(sums.newest_week - WEEKS + 1, last + 1)
        decayed = sums.weeks[:, kept % WEEKS] @ np.exp2((kept - last) * 7.0 / half_life_days)
        return np.asarray(decayed if decayed.any() else sums.met, dtype=np.float64)

    # Between two lessons it is the same for everybody who asks in the same week.
    return sums.derive("popularity", (last, half_life_days), work)


def popular_of(sums: Sums, at_ms: int, half_life_days: float) -> Scores:
    """Score by popularity, in one row."""
    counts = popularity(sums, at_ms, half_life_days)
    # What was taken back before it was taught leaves less than nothing for a while.
    question = min(at_ms // WEEK_MS, sums.newest_week), half_life_days
    return sums.derive("popular", question, lambda: np.log1p(np.maximum(counts, 0.0)).astype(np.float32))


def profile_of(sums: Sums, weights: Weights, history: History, into: Scores) -> Source:
    """Score by what was met."""
    # Slots taken after the fit have no weights yet; they count through transitions and popularity until the next one.
    size = len(weights)
    within = history.slots < size
    slots, strengths = history.slots[within], history.profile[:, within]
    _sum(strengths, weights[slots], into[:, :size])
    into[:, size:] = 0.0
    scale = sums.derive("profile scale", size, lambda: np.ones(size))
    return Source([sums.items[slot] for slot in slots.tolist()], weights, slots, strengths, scale)


def sequence_of(sums: Sums, history: History, into: Scores) -> Source:
    """Score by what followed the newest items."""
    slots = history.slots[-_SEQUENCE_LENGTH:]
    scale = sums.derive("sequence scale", None, lambda: 1.0 / np.sqrt(np.maximum(sums.met, 0) + _TRANSITION_SHRINKAGE))
    strengths = history.sequence[:, -_SEQUENCE_LENGTH:] * scale[slots]
    if len(into):
        _sum(strengths, _single(sums.followed, slots), into)
        into *= sums.derive("single sequence scale", None, lambda: scale.astype(np.float32))
    return Source([sums.items[slot] for slot in slots.tolist()], sums.followed, slots, strengths, scale)


def topics_of(sums: Sums, likes: tuple[str, ...], into: Scores) -> Source:
    """Score by how much of what was done with an item was about what is liked, in one row."""
    places = [sums.topics.index(topic) for topic in likes if topic in sums.topics]
    scale = sums.derive("topic scale", None, lambda: 1.0 / np.maximum(sums.met, 1))
    into[:] = 0.0
    for place in places:
        into += sums.derive(("topic", place), None, partial(_about, sums, place, scale))
    refs = [sums.topics[place] for place in places]
    return Source(refs, sums.about.T, np.array(places, dtype=np.intp), np.ones((1, len(places))), scale)


def centred(scores: Scores, candidates: Mask) -> Numbers:
    """Take from each row its mean over the candidates, in place; return by what its spread becomes 1."""
    # By products, not by picking candidates out, which would copy nearly everything.
    share = candidates.astype(np.float32)
    share /= max(1, int(np.count_nonzero(candidates)))
    means = scores @ share
    scores -= means[:, np.newaxis]
    spreads = np.sqrt(np.square(scores) @ share)
    # A component that cannot tell candidates apart has nothing to say.
    says = spreads > np.maximum(_LEAST_SPREAD, _ROUNDING * np.abs(means))
    return np.divide(1.0, spreads, out=np.zeros(len(spreads)), where=says)


@lru_cache(256)
def _decays(count: int) -> tuple[Numbers, Numbers]:
    """Return by how much the profile and the sequence weigh each of so many items, oldest first."""
    ages = np.arange(count)[::-1]
    profile, sequence = (
        np.exp2(-ages / np.array(each)[:, np.newaxis]) for each in (PROFILE_HALF_LIVES, SEQUENCE_HALF_LIVES)
    )
    return profile, sequence


def _sum(strengths: Numbers, rows: Scores, into: Scores) -> None:
    # One after the other: a product of matrices this flat lays the rows out anew, which costs more than it saves.
    for each, sums in zip(strengths.astype(np.float32), into, strict=True):
        np.matmul(each, rows, out=sums)


def _single(counts: Counts, rows: Slots) -> Scores:
    single = np.empty((len(rows), counts.shape[1]), np.float32)
    # One by one: to convert them all at once would write them out as integers first.
    for place, row in enumerate(rows.tolist()):
        single[place] = counts[row]
    return single


def _about(sums: Sums, place: int, scale: Numbers) -> Scores:
    return np.asarray(sums.about[:, place] * scale, dtype=np.float32)

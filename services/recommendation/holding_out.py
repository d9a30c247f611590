"""Questions about a brand's own personas; what the answers added to the sums is taken out while they are asked."""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.domain import Learnt, Lesson, Met
from services.recommendation.sums import WEEK_MS, WEEKS, Slots, Sums, followers

#: Of one persona: the newest interactions, asked for one by one, and a share of the others, asked for at once.
_NEWEST = 3
_MISSING_SHARE = 0.1
_MOST_MISSING = 5
_LEAST_FOR_MISSING = 5
#: Histories are cut to these lengths to ask how far a short one can be trusted.
_SHORT = (1, 2, 3, 5, 10, 20)
#: Items further apart than that were not counted together: a lesson tells no more of what came before.
_REMEMBERED = 128


class Question(NamedTuple):
    """What was met, oldest first, the moment asked about (milliseconds since 1970), and what would have been right.

    Weights were fitted on all that the persona met besides: none of that is offered, or it would crowd out the right.
    """

    met: tuple[Met, ...]
    at_ms: int
    right: frozenset[str]
    exclude: frozenset[str] = frozenset()


class Questions(NamedTuple):
    """Of both kinds, with the whole history and with little of it."""

    following: list[Question]
    missing: list[Question]
    following_short: list[Question]
    missing_short: list[Question]


class Part(NamedTuple):
    """What one persona's answers have added to the sums: entries of arrays, and how much to each."""

    together: tuple[Slots, Slots]
    followed: tuple[Slots, Slots, NDArray[np.int32]]
    met: Slots
    weeks: tuple[Slots, Slots]


class HeldOut(NamedTuple):
    """All that is asked, and all that must not be known meanwhile."""

    questions: Questions
    parts: list[Part]

    def take_from(self, sums: Sums) -> None:
        """Take the answers out of the sums."""
        self._add_to(sums, -1)

    def give_back(self, sums: Sums) -> None:
        """Put them back: sums are integers, so they are what they were."""
        self._add_to(sums, 1)

    def _add_to(self, sums: Sums, sign: int) -> None:
        for part in self.parts:
            np.add.at(sums.together, part.together, sign)
            first, second, amounts = part.followed
            np.add.at(sums.followed, (first, second), sign * amounts)
            np.add.at(sums.met, part.met, sign)
            np.add.at(sums.weeks, part.weeks, sign)
        sums.derived.clear()


def hold_out(sums: Sums, lessons: Sequence[Lesson], rng: random.Random) -> HeldOut:
    """Choose what to ask, of every lesson that is long enough."""
    held = HeldOut(Questions([], [], [], []), [])
    for place, lesson in enumerate(lessons):
        path = _path(sums, lesson)
        learnt = [each for each in path if each.at_ms]
        newest = path[len(path) - min(_NEWEST, len(learnt) // 2) :]
        if not newest:
            continue
        short = _SHORT[place % len(_SHORT)]
        _ask_following(held.questions, path, len(newest), short)
        body = learnt[: len(learnt) - len(newest)]
        missing = rng.sample(body, _missing_count(len(body)))
        if missing:
            _ask_missing(held.questions, path, missing, rng.sample(path, min(len(path), short)))
        held.parts.append(_part(sums, path, {each.item: each.at_ms for each in (*newest, *missing)}))
    return held


def _path(sums: Sums, lesson: Lesson) -> list[Learnt]:
    """Return what was met in order, once each; what came before has no time."""
    learnt = [each for each in lesson.learnt if each.weight > 0 and each.item in sums.slots]
    before = [Learnt(item, 0) for item in lesson.before if item in sums.slots]
    return list({each.item: each for each in reversed([*before, *learnt])}.values())[::-1]


def _missing_count(known: int) -> int:
    return min(_MOST_MISSING, max(1, round(_MISSING_SHARE * known))) if known >= _LEAST_FOR_MISSING else 0


def _ask_following(questions: Questions, path: Sequence[Learnt], newest: int, short: int) -> None:
    for end in range(len(path) - newest, len(path)):
        asked = path[end]
        questions.following.append(Question(_met(path[:end]), asked.at_ms, frozenset({asked.item})))
    end = len(path) - newest
    few = _met(path[max(0, end - short) : end])
    known = frozenset(each.item for each in path[:end])
    questions.following_short.append(Question(few, path[end].at_ms, frozenset({path[end].item}), known))


def _ask_missing(
    questions: Questions, path: Sequence[Learnt], missing: Sequence[Learnt], few: Sequence[Learnt]
) -> None:
    right = frozenset(each.item for each in missing)
    at_ms = min(each.at_ms for each in missing)
    known = [each for each in path if each.item not in right]
    questions.missing.append(Question(_met(known), at_ms, right))
    others = frozenset(each.item for each in known)
    questions.missing_short.append(Question(_met(each for each in known if each in few), at_ms, right, others))


def _met(path: Iterable[Learnt]) -> tuple[Met, ...]:
    return tuple(Met(each.item, each.weight) for each in path)


def _part(sums: Sums, path: Sequence[Learnt], gone: dict[str, int]) -> Part:
    slots = np.array([sums.slots[each.item] for each in path], dtype=np.intp)
    is_gone = np.array([each.item in gone for each in path])
    places = np.arange(len(path))
    near = np.abs(places[:, np.newaxis] - places) <= _REMEMBERED
    first, second = np.nonzero(near & (is_gone[:, np.newaxis] | is_gone))
    first_before, second_before, before = followers(slots, 0)
    first_after, second_after, after = followers(slots[~is_gone], 0)
    weeks = np.array([each.at_ms // WEEK_MS for each in path])
    is_kept = is_gone & (weeks > sums.newest_week - WEEKS)
    return Part(
        together=(slots[first], slots[second]),
        followed=(
            np.concatenate([first_before, first_after]),
            np.concatenate([second_before, second_after]),
            np.concatenate([before, -after]),
        ),
        met=slots[is_gone],
        weeks=(slots[is_kept], weeks[is_kept] % WEEKS),
    )

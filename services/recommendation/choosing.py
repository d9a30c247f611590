"""Chooses how the components are mixed, on a brand's own later interactions, which the weights were not fitted on.

A mix is climbed to from the one in force, one weight at a time, by nDCG@10 over the full ranking. Both kinds of
question share one fit.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from services.recommendation.components import (
    PROFILE_HALF_LIVES,
    SEQUENCE_HALF_LIVES,
    centred,
    history_of,
    popular_of,
    profile_of,
    sequence_of,
)
from services.recommendation.domain import Blend, Lesson, Mix, Mixes, Situation
from services.recommendation.fitting import Weights, fit
from services.recommendation.holding_out import Question, Questions, hold_out
from services.recommendation.ranking import candidates_of, trust
from services.recommendation.sums import Sums

Scores = NDArray[np.float32]
Slots = NDArray[np.intp]

_CUTOFF = 10
_PROFILES, _SEQUENCES = len(PROFILE_HALF_LIVES), len(SEQUENCE_HALF_LIVES)
_STANDARD_ERRORS = 3.0
_STEPS = (0.4, 0.2, 0.1)
_CAUTIONS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
#: Scores of one kind of question that are held at once, over all items; bounds memory (40 bytes each) and time.
_MOST_SCORES = 8_000_000


def choose_and_fit(sums: Sums, lessons: Sequence[Lesson], blend: Blend, least: int) -> tuple[Mixes | None, Weights]:
    """Return what `choose` does, None without lessons, and the weights fitted to all that was learnt."""
    mixes = choose(sums, lessons, blend, least) if lessons else None
    return mixes, fit(sums.together, sums.followed, blend.regularisation, blend.nearness)


def choose(sums: Sums, lessons: Sequence[Lesson], blend: Blend, least: int) -> Mixes | None:
    """Return the brand's own mixes, None with fewer than `least` questions of a kind. Sums end as they were."""
    # Drawn alike each time: the same lessons choose the same mixes.
    held = hold_out(sums, lessons, random.Random(0))
    held.take_from(sums)
    mixes = _chosen(sums, held.questions, blend, least)
    held.give_back(sums)
    return mixes


def _chosen(sums: Sums, questions: Questions, blend: Blend, least: int) -> Mixes | None:
    asked = Questions(*(_answerable(sums, each, blend.least_met) for each in questions))
    if min(map(len, asked)) < least:
        return None
    weights = fit(sums.together, sums.followed, blend.regularisation, blend.nearness)
    exams = [_exam(sums, weights, each, blend) for each in asked]
    return Mixes(_climb(blend.mixes.following, exams[0], exams[2]), _climb(blend.mixes.missing, exams[1], exams[3]))


class Exam:
    """Questions of one kind with every item's score by component: judges any mix."""

    def __init__(
        self, components: Scores, candidates: NDArray[np.bool_], known: NDArray[np.float64], right: list[list[int]]
    ) -> None:
        self.components = components
        self._candidates = candidates
        self._known = known
        self._right = [_nth(right, place) for place in range(max(map(len, right), default=0))]
        self._gains = 1.0 / np.log2(np.arange(2, _CUTOFF + 2))
        self._ideal = np.array([self._gains[: len(each)].sum() for each in right])

    @property
    def last(self) -> int:
        """Place of popularity."""
        return len(self.components) - 1

    def personal(self, mix: Mix) -> Scores:
        """Return what the components of the history add up to, before any trust."""
        weights = np.array([*mix.profile, *mix.sequence], dtype=np.float32)
        return np.asarray(np.einsum("c,cqi->qi", weights, self.components[:-1], optimize=True))

    def judge(self, mix: Mix, personal: Scores) -> Scores:
        """Return nDCG@10 of each question."""
        trusted = trust(self._known, mix.caution).astype(np.float32)[:, np.newaxis]
        total = trusted * personal + (1 - trusted + np.float32(mix.popular)) * self.components[-1]
        total[~self._candidates] = -np.inf
        gained = np.zeros(len(self._ideal))
        for rows, slots in self._right:
            ahead = np.count_nonzero(total[rows] > total[rows, slots][:, np.newaxis], axis=1)
            gained[rows] += np.where(ahead < _CUTOFF, self._gains[np.minimum(ahead, _CUTOFF - 1)], 0.0)
        return np.asarray(gained / self._ideal, dtype=np.float32)


def _answerable(sums: Sums, questions: Sequence[Question], least_met: int) -> list[Question]:
    found = []
    for question in questions[-max(1, _MOST_SCORES // max(1, sums.size)) :]:
        right = frozenset(item for item in question.right if sums.met[sums.slots[item]] >= least_met)
        if right:
            found.append(question._replace(right=right))
    return found


def _exam(sums: Sums, weights: Weights, questions: Sequence[Question], blend: Blend) -> Exam:
    scored = [_components(sums, weights, question, blend) for question in questions]
    return Exam(
        np.stack([scores for scores, _, _ in scored], axis=1),
        np.stack([candidates for _, candidates, _ in scored]),
        np.array([known for _, _, known in scored], dtype=np.float64),
        [sorted(sums.slots[item] for item in question.right) for question in questions],
    )


def _components(
    sums: Sums, weights: Weights, question: Question, blend: Blend
) -> tuple[Scores, NDArray[np.bool_], int]:
    situation = Situation(question.met, question.at_ms, 1, exclude=question.exclude)
    candidates, history = candidates_of(sums, situation, blend.least_met), history_of(sums, question.met)
    rows = np.empty((_PROFILES + _SEQUENCES + 1, sums.size), np.float32)
    profile_of(sums, weights, history, rows[:_PROFILES])
    sequence_of(sums, history, rows[_PROFILES:-1])
    rows[-1] = popular_of(sums, question.at_ms, blend.popular_half_life_days)
    factors = centred(rows, candidates)
    return rows * factors[:, np.newaxis].astype(np.float32), candidates, len(history.slots)


def _climb(mix: Mix, exam: Exam, short: Exam) -> Mix:
    personal = exam.personal(mix)
    best = exam.judge(mix, personal)
    for change in (sign * step for step in _STEPS for sign in (1, -1)):
        for place in range(len(exam.components)):
            tried = _moved(mix, place, change)
            # The last is popularity, which is no part of what is personal.
            moved = personal + np.float32(change) * exam.components[place] if place < exam.last else personal
            judged = exam.judge(tried, moved)
            if _is_better(judged, best):
                mix, personal, best = tried, moved, judged
    few = short.personal(mix)
    best = np.concatenate([best, short.judge(mix, few)])
    for tried in (replace(mix, caution=caution) for caution in _CAUTIONS):
        judged = np.concatenate([exam.judge(tried, personal), short.judge(tried, few)])
        if _is_better(judged, best):
            mix, best = tried, judged
    return mix


def _is_better(judged: Scores, best: Scores) -> bool:
    # By more than so many times its standard error: of the hundred that are tried, one is ahead by twice that by luck.
    gain = judged - best
    return bool(gain.mean() > _STANDARD_ERRORS * gain.std() / np.sqrt(len(gain)))


def _nth(right: list[list[int]], place: int) -> tuple[Slots, Slots]:
    rows = [row for row, slots in enumerate(right) if len(slots) > place]
    return np.array(rows), np.array([right[row][place] for row in rows])


def _moved(mix: Mix, place: int, change: float) -> Mix:
    weights = [*mix.profile, *mix.sequence, mix.popular]
    weights[place] = round(weights[place] + change, 3)
    profile, sequence = weights[: len(mix.profile)], weights[len(mix.profile) : -1]
    return replace(mix, profile=tuple(profile), sequence=tuple(sequence), popular=weights[-1])

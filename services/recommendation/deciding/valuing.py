"""What an act is worth: how likely it is accepted, by what became of acts like it, less what annoying costs."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.recommendation.deciding.state import DAY_MS, State
from services.recommendation.deciding.words import Act, Candidate, Initiative, Moment, Outcome, Rules, Weighed

Numbers = NDArray[np.float64]

#: Buckets of acts that are alike: hello, ask, and offers by their score. Between two the chance goes over evenly.
_HELLO, _ASK, _FIRST_OFFER = 0, 1, 2
_EDGES = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
_CENTRES = (-1.0, 0.5, 1.5, 2.5, 3.5, 5.0, 7.0, 9.0)
BUCKETS = _FIRST_OFFER + len(_CENTRES)
_ANNOYANCE = {Outcome.IGNORED: 0.2, Outcome.ACCEPTED: -0.5, Outcome.DISMISSED: 1.0, Outcome.REMOVED: 2.0}
_ANNOYANCE_HALF_LIFE_MS = 14 * DAY_MS
#: What a contact a moment ago adds to the chance of annoying, and how fast that fades.
_CONTACT_HALF_LIFE_MS = DAY_MS
_DISTURBED = 4.0
_MOST_PROBABLE = 0.99


class Answers(NamedTuple):
    """How often acts of a bucket were seen, accepted, and did annoy."""

    seen: int = 0
    accepted: int = 0
    annoyed: int = 0


#: What one persona, or a brand's all together, taught about each bucket, and about what promising.py counts.
Taught = Mapping[int, Answers]


def taught_by(outcome: Outcome) -> Answers:
    """Return what an outcome adds to its bucket."""
    if outcome is Outcome.NONE:
        return Answers()
    return Answers(1, int(outcome is Outcome.ACCEPTED), int(outcome > Outcome.ACCEPTED))


def bucket_of(act: Act, score: float) -> int:
    """Return which acts one is like."""
    if act is Act.HELLO:
        return _HELLO
    if act is Act.ASK:
        return _ASK
    return _FIRST_OFFER + bisect_right(_EDGES, score)


def chance_to_annoy(state: State, moment: Moment, rules: Rules) -> float:
    """Return the chance that acting now annoys the persona."""
    remembered = sum(
        _ANNOYANCE.get(Outcome(each.outcome), 0.0) * _faded(moment.at_ms - each.at_ms, _ANNOYANCE_HALF_LIFE_MS)
        for each in state.heard
    )
    last = _faded(moment.at_ms - state.contacts[-1], _CONTACT_HALF_LIFE_MS) if state.contacts else 0.0
    begins = last if moment.initiative is Initiative.BRAND else 0.0
    raised = (1.0 + max(0.0, remembered)) * (1.0 + begins) * (1.0 + _DISTURBED * moment.interruption)
    return min(_MOST_PROBABLE, rules.annoys[moment.initiative.value] * raised)


def weigh(candidates: Sequence[Candidate], state: State, taught: Taught, annoys: float, rules: Rules) -> list[Weighed]:
    """Return what is expected of each candidate.

    Its chance is that of its bucket's prior, moved by what became of acts like it, times how much more or less the
    persona accepts than others do. The lower bound is one-sided.
    """
    counts, means = _curve(taught, rules)
    buckets = [bucket_of(each.act, each.score) for each in candidates]
    scores = np.array([each.score for each in candidates])
    count, mean = (np.interp(scores, _CENTRES, each[_FIRST_OFFER:]) for each in (counts, means))
    for place in [place for place, bucket in enumerate(buckets) if bucket < _FIRST_OFFER]:
        count[place], mean[place] = counts[buckets[place]], means[buckets[place]]
    p_accept = np.minimum(_MOST_PROBABLE, mean * _own_rate(state, taught, rules))
    low = np.maximum(0.0, p_accept - rules.errors * np.sqrt(p_accept * (1.0 - p_accept) / (count + 1.0)))
    benefits, cost = np.array([each.benefit for each in candidates]), annoys * rules.annoyed
    expected = (p_accept, low, p_accept * benefits - cost, low * benefits - cost)
    return list(map(Weighed, candidates, buckets, *(each.tolist() for each in expected)))


def _curve(taught: Taught, rules: Rules) -> tuple[Numbers, Numbers]:
    priors = expected_by_bucket(rules)
    if not taught:
        return np.full(BUCKETS, rules.strength), priors
    answers = [taught.get(bucket, Answers()) for bucket in range(BUCKETS)]
    counts = np.array([each.seen for each in answers]) + rules.strength
    return counts, (np.array([each.accepted for each in answers]) + rules.strength * priors) / counts


def expected_by_bucket(rules: Rules) -> Numbers:
    """Return the chance of acceptance of each bucket before anybody answered."""
    return np.array([rules.accepts["hello"], rules.accepts["ask"], *rules.accepts_by_score])


def _own_rate(state: State, taught: Taught, rules: Rules) -> float:
    """Return how much more, or less, a persona accepts than others: 1 while it has not answered."""
    if not state.heard:
        return 1.0
    every = [taught.get(bucket, Answers()) for bucket in range(BUCKETS)]
    seen, accepted = sum(each.seen for each in every), sum(each.accepted for each in every)
    prior = sum(rules.accepts_by_score) / len(rules.accepts_by_score)
    usual = (accepted + rules.strength * prior) / (seen + rules.strength)
    own = sum(each.outcome == Outcome.ACCEPTED for each in state.heard)
    return (own + rules.own_strength * usual) / (len(state.heard) + rules.own_strength) / usual


def _faded(age_ms: int, half_life_ms: int) -> float:
    return math.exp2(-max(0, age_ms) / half_life_ms)

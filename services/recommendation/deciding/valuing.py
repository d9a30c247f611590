"""What an act is worth: how likely it is accepted, by what became of acts like it, less what annoying costs."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from services.recommendation.deciding.columns import Candidates, Numbers, Pool, Signs, Worth, by_value
from services.recommendation.deciding.state import DAY_MS, State
from services.recommendation.deciding.words import Act, Initiative, Moment, Outcome, Rules

#: Buckets of acts that are alike: hello, ask, and offers by their score. Between two the chance goes over evenly.
_HELLO, _ASK, _FIRST_OFFER = 0, 1, 2
_EDGES = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])
_CENTRES = np.array([-1.0, 0.5, 1.5, 2.5, 3.5, 5.0, 7.0, 9.0])
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
    return _FIRST_OFFER + int(np.searchsorted(_EDGES, score, side="right"))


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


class Experience:
    """What acts of a brand came to, made once of what was learnt: by bucket, and of all offers together."""

    def __init__(self, taught: Taught, rules: Rules) -> None:
        answers = [taught.get(bucket, Answers()) for bucket in range(BUCKETS)]
        seen, accepted = (np.array(each, dtype=np.float64) for each in tuple(zip(*answers, strict=True))[:2])
        self.counts: Numbers = seen + rules.strength
        self.means: Numbers = (accepted + rules.strength * expected_by_bucket(rules)) / self.counts
        prior = sum(rules.accepts_by_score) / len(rules.accepts_by_score)
        self.usual = float((accepted.sum() + rules.strength * prior) / (seen.sum() + rules.strength))


def weigh(candidates: Candidates, state: State, experience: Experience, cost: float, rules: Rules) -> Pool:
    """Return what is expected of each candidate, all of them, most valuable first.

    Its chance is that of its bucket's prior, moved by what became of acts like it, times how much more or less the
    persona accepts than others do. The lower bound is one-sided. `cost` is what annoying may cost.
    """
    buckets = _FIRST_OFFER + np.searchsorted(_EDGES, candidates.scores, side="right")
    curves = (experience.counts, experience.means)
    count, mean = (np.interp(candidates.scores, _CENTRES, each[_FIRST_OFFER:]) for each in curves)
    for place in [place for place, act in enumerate(candidates.acts) if act is not Act.OFFER]:
        buckets[place] = bucket = bucket_of(candidates.acts[place], 0.0)
        count[place], mean[place] = (each[bucket] for each in curves)
    p_accept = np.minimum(_MOST_PROBABLE, mean * _own_rate(state, experience, rules))
    low = np.maximum(0.0, p_accept - rules.errors * np.sqrt(p_accept * (1.0 - p_accept) / (count + 1.0)))
    expected = worth(p_accept, low, candidates.benefits, cost)
    nowhere = np.zeros(len(candidates), np.intp)
    signs = Signs(buckets, nowhere, nowhere.astype(np.float64))
    return Pool(candidates, expected, signs, by_value(expected, np.arange(len(candidates))), np.zeros(0))


def worth(p_accept: Numbers, low: Numbers, benefits: Numbers, cost: float) -> Worth:
    """Return what acts are worth that are accepted so likely, and so likely at least."""
    return Worth(p_accept, low, p_accept * benefits - cost, low * benefits - cost)


def expected_by_bucket(rules: Rules) -> Numbers:
    """Return the chance of acceptance of each bucket before anybody answered."""
    return np.array([rules.accepts["hello"], rules.accepts["ask"], *rules.accepts_by_score])


def _own_rate(state: State, experience: Experience, rules: Rules) -> float:
    """Return how much more, or less, a persona accepts than others: 1 while it has not answered."""
    if not state.heard:
        return 1.0
    own = sum(each.outcome == Outcome.ACCEPTED for each in state.heard)
    usual = experience.usual
    return (own + rules.own_strength * usual) / (len(state.heard) + rules.own_strength) / usual


def _faded(age_ms: int, half_life_ms: int) -> float:
    return math.exp2(-max(0, age_ms) / half_life_ms)

"""A decision from first to last: limits, gates, scores, values, abstaining, the draw, and what else to name."""

from dataclasses import dataclass, field

from services.recommendation.deciding.budget import first_free_ms, limit
from services.recommendation.deciding.columns import Candidates, Pool
from services.recommendation.deciding.drawing import Drawing, chance_of, draw, draw_without
from services.recommendation.deciding.gathering import NOTHING, Gathered, Ranked, gather
from services.recommendation.deciding.grounds import Grounds
from services.recommendation.deciding.habits import Habits
from services.recommendation.deciding.promising import cells_of
from services.recommendation.deciding.shelf import Shelf
from services.recommendation.deciding.speaking import most_welcome, verdicts
from services.recommendation.deciding.state import State
from services.recommendation.deciding.suiting import NEUTRAL, Suits
from services.recommendation.deciding.valuing import chance_to_annoy, weigh
from services.recommendation.deciding.words import (
    Act,
    Candidate,
    Decided,
    Initiative,
    Moment,
    Policy,
    Rules,
    Silence,
    Treatment,
    Verdict,
    Weighed,
)
from services.recommendation.domain import Situation


@dataclass(frozen=True, slots=True)
class Question:
    """Whom it is about, at which moment, and all that may be known for it."""

    situation: Situation
    #: Items that the person has removed.
    removed: frozenset[str]
    state: State
    treatment: Treatment
    moment: Moment
    #: Of all that are linked, together.
    habits: Habits = field(default_factory=Habits)
    suits: Suits = NEUTRAL


def decide(ranked: Ranked, question: Question, grounds: Grounds, lot: float) -> Decided:
    """Return what to do; `lot` in [0, 1) draws it. The same question with the same lot is decided alike."""
    moment, rules = question.moment, grounds.rules
    if (forbidden := _forbidden(question, rules)) is not None:
        return silenced(forbidden, question)
    offers = _offers(ranked, question, rules)
    worthy = offers.candidates.times(question.suits.factor)
    candidates = worthy.beside([_plain(act, rules) for act in sorted(moment.acts - {Act.OFFER})])
    unsold = Act.OFFER in moment.acts and not question.suits.is_sold_to
    nothing = Decided(
        Act.SILENT,
        silence=Silence.SWITCHING if unsold else Silence.NOTHING_OPEN,
        gates=offers.gates,
        candidates_hash=offers.candidates_hash,
    )
    if not len(candidates):
        return nothing
    welcome, said = _welcome(question, grounds, candidates)
    if said:
        nothing = nothing._replace(topic=(topic := most_welcome(said)), verdict=said[topic])
    if not len(welcome):
        return nothing._replace(silence=Silence.UNWELCOME)
    annoys = chance_to_annoy(question.state, moment, rules)
    cost = annoys * rules.annoyed
    every = weigh(welcome, question.state, grounds.experience, cost, rules)
    nothing = nothing._replace(
        silence=Silence.NOT_WORTH_IT, policy=grounds.in_force, weighed=every, p_annoy=annoys, cost=cost
    )
    able = _able(ranked, question, grounds, every, cost)
    explored = 0.0 if question.treatment.is_protective else rules.explored
    found = _done(nothing, every, able, Drawing(grounds.in_force, rules, explored, lot))
    if found.chosen is None:
        return found
    chosen = found.chosen
    also = _also(ranked.shelf, chosen.candidate, able[found.policy], rules, moment.count)
    return found._replace(
        topic=chosen.candidate.topic,
        verdict=said.get(chosen.candidate.topic),
        chosen=_with_parts(chosen, offers),
        also=tuple(_with_parts(each, offers) for each in also),
    )


def silenced(silence: Silence, question: Question) -> Decided:
    """Return the silence that a limit commands; there was no chance in it."""
    quiet_until_ms = first_free_ms(question.state, question.treatment, question.moment)
    return Decided(Act.SILENT, silence=silence, quiet_until_ms=quiet_until_ms)


def _forbidden(question: Question, rules: Rules) -> Silence | None:
    moment = question.moment
    if (found := limit(question.state, question.treatment, moment)) is not None:
        return found.silence
    if moment.initiative is Initiative.BRAND and moment.interruption >= rules.interrupts:
        return Silence.INTERRUPTS
    return None


def _offers(ranked: Ranked, question: Question, rules: Rules) -> Gathered:
    if Act.OFFER not in question.moment.acts or not question.suits.is_sold_to:
        return Gathered(NOTHING, {}, b"", lambda _: [])
    return gather(ranked, question.situation, question.removed, question.moment, rules)


def _welcome(question: Question, grounds: Grounds, candidates: Candidates) -> tuple[Candidates, dict[str, Verdict]]:
    """Return what manners let the brand begin with, and what they say of each topic; all of what was asked for."""
    if question.moment.initiative is Initiative.PERSONA:
        return candidates, {}
    said = verdicts(grounds.manners, grounds.customs, question.habits, question.moment, candidates.topics)
    speaks = [place for place, topic in enumerate(candidates.topics) if said[topic].speaks]
    return candidates.among(speaks), said


def _plain(act: Act, rules: Rules) -> Candidate:
    return Candidate(act, benefit=rules.benefits[act.value], topic=act.value)


def _able(ranked: Ranked, question: Question, grounds: Grounds, every: Pool, cost: float) -> dict[Policy, Pool]:
    """Return what each policy may draw from, most valuable first.

    The bandit abstains from what its own bound does not carry, and never goes beyond the reference: so the log of the
    reference tells what the bandit would have brought.
    """
    cells = cells_of(ranked, grounds.manners, question.habits, question.moment, every)
    signs, promised = grounds.promise.weigh(every, cells, cost)
    reference = every.eligible(every.worth, signs)
    return {Policy.SOFTMAX: reference, Policy.BANDIT: reference.eligible(promised, signs)}


def _done(nothing: Decided, every: Pool, able: dict[Policy, Pool], drawing: Drawing) -> Decided:
    """Return what is drawn, with the chance that it had, and would have had by the other policy."""
    mine, others = able[drawing.policy], able[drawing.policy.other]
    if not len(mine):
        return nothing
    found = draw(mine, drawing)
    propensity = float(found.chances[found.hit])
    decided = nothing._replace(propensity=propensity, weighed=mine.before(every, found.chances[:-1]))
    if found.is_silence:
        return decided._replace(silence=Silence.CHANCE)
    instead = chance_of(others, int(mine.places[found.hit]), drawing._replace(policy=drawing.policy.other))
    chosen = decided.weighed[found.hit]._replace(instead=instead)
    return decided._replace(
        act=chosen.candidate.act, silence=None, chosen=chosen, otherwise=_otherwise(mine, found.hit, drawing)
    )


def _otherwise(mine: Pool, index: int, drawing: Drawing) -> str:
    other = draw_without(mine, index, drawing)
    if other is None:
        return ""
    candidate = mine[other].candidate
    return candidate.item or candidate.act.value


def _with_parts(chosen: Weighed, offers: Gathered) -> Weighed:
    if chosen.candidate.act is not Act.OFFER:
        return chosen
    parts = tuple(offers.parts(chosen.candidate.item))
    return chosen._replace(candidate=chosen.candidate._replace(parts=parts))


def _also(shelf: Shelf, first: Candidate, able: Pool, rules: Rules, count: int) -> list[Weighed]:
    """Return further items, most valuable first, each unlike all before it by what its terms say it is about."""
    if first.act is not Act.OFFER or count == 1:
        return []
    named, found = [first.item], []
    for each in able:
        item = each.candidate.item
        if len(named) == count:
            break
        if item and item not in named and all(_likeness(shelf, item, other) < rules.alike for other in named):
            named.append(item)
            found.append(each)
    return found


def _likeness(shelf: Shelf, item: str, other: str) -> float:
    one, two = shelf.topics(item), shelf.topics(other)
    return len(one & two) / len(one | two) if one and two else 0.0

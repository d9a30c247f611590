"""A decision from first to last: limits, gates, scores, values, abstaining, the draw, and what else to name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from services.recommendation.deciding.budget import first_free_ms, limit
from services.recommendation.deciding.drawing import Drawing, draw
from services.recommendation.deciding.gathering import Gathered, Ranked, gather
from services.recommendation.deciding.grounds import Grounds
from services.recommendation.deciding.habits import Habits
from services.recommendation.deciding.promising import cells_of
from services.recommendation.deciding.shelf import Shelf
from services.recommendation.deciding.speaking import most_welcome, verdicts
from services.recommendation.deciding.state import State
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


def decide(ranked: Ranked, question: Question, grounds: Grounds, lot: float) -> Decided:
    """Return what to do; `lot` in [0, 1) draws it. The same question with the same lot is decided alike."""
    moment, rules = question.moment, grounds.rules
    if (forbidden := _forbidden(question, rules)) is not None:
        return silenced(forbidden, question)
    offers = _offers(ranked, question, rules)
    candidates = [*offers.candidates, *(_plain(act, rules) for act in sorted(moment.acts - {Act.OFFER}))]
    nothing = Decided(
        Act.SILENT, silence=Silence.NOTHING_OPEN, gates=offers.gates, candidates_hash=offers.candidates_hash
    )
    if not candidates:
        return nothing
    welcome, said = _welcome(question, grounds, candidates)
    if said:
        nothing = _spoken(nothing, said, most_welcome(said))
    if not welcome:
        return replace(nothing, silence=Silence.UNWELCOME)
    annoys = chance_to_annoy(question.state, moment, rules)
    weighed = _by_value(weigh(welcome, question.state, grounds.taught, annoys, rules))
    nothing = replace(nothing, silence=Silence.NOT_WORTH_IT, weighed=tuple(weighed), p_annoy=annoys)
    eligible = [each for each in weighed if each.value_low > 0]
    if not eligible:
        return nothing
    able = _able(ranked, question, grounds, eligible, annoys)
    drawing = Drawing(grounds.in_force, rules, 0.0 if question.treatment.is_protective else rules.explored, lot)
    found = _done(nothing, able, drawing)
    if found.chosen is None:
        return found
    chosen, named = found.chosen, able[drawing.policy]
    also = _also(ranked.shelf, chosen.candidate, named, rules, moment.count)
    return replace(
        _spoken(found, said, chosen.candidate.topic),
        chosen=_with_parts(chosen, offers),
        otherwise=_otherwise(named, chosen, drawing),
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
    if Act.OFFER not in question.moment.acts:
        return Gathered([], {}, b"", lambda _: [])
    return gather(ranked, question.situation, question.removed, question.moment, rules)


def _welcome(
    question: Question, grounds: Grounds, candidates: list[Candidate]
) -> tuple[list[Candidate], dict[str, Verdict]]:
    """Return what manners let the brand begin with, and what they say of each topic; all of what was asked for."""
    if question.moment.initiative is Initiative.PERSONA:
        return candidates, {}
    topics = (each.topic for each in candidates)
    said = verdicts(grounds.manners, grounds.customs, question.habits, question.moment, topics)
    return [each for each in candidates if said[each.topic].speaks], said


def _spoken(decided: Decided, said: dict[str, Verdict], topic: str) -> Decided:
    return replace(decided, topic=topic, verdict=said.get(topic))


def _plain(act: Act, rules: Rules) -> Candidate:
    return Candidate(act, benefit=rules.benefits[act.value], topic=act.value)


def _able(
    ranked: Ranked, question: Question, grounds: Grounds, eligible: list[Weighed], annoys: float
) -> dict[Policy, list[Weighed]]:
    """Return what each policy may draw from, most valuable first.

    The bandit abstains from what its own bound does not carry, and never goes beyond the reference: so the log of the
    reference tells what the bandit would have brought.
    """
    cells = cells_of(ranked, grounds.manners, question.habits, question.moment, eligible)
    promised = grounds.promise.weigh(eligible, cells, annoys * grounds.rules.annoyed)
    pairs = zip(eligible, promised, strict=True)
    return {
        Policy.SOFTMAX: [one.counted(other.cell, other.promised) for one, other in pairs],
        Policy.BANDIT: _by_value(each for each in promised if each.value_low > 0),
    }


def _done(nothing: Decided, able: dict[Policy, list[Weighed]], drawing: Drawing) -> Decided:
    """Return what is drawn, with the chance that it had, and would have had by the other policy."""
    mine, others = able[drawing.policy], able[drawing.policy.other]
    nothing = replace(nothing, policy=drawing.policy)
    if not mine:
        return nothing
    found = draw(mine, drawing)
    chosen, drawn_from = found.chosen, found.weighed()
    names = {(each.candidate.act, each.candidate.item) for each in mine}
    rest = (each for each in nothing.weighed if (each.candidate.act, each.candidate.item) not in names)
    decided = replace(nothing, propensity=chosen.propensity, weighed=(*drawn_from, *rest))
    if chosen.candidate.act is Act.SILENT:
        return replace(decided, silence=Silence.CHANCE)
    instead = draw(others, drawing._replace(policy=drawing.policy.other)).chance_of(chosen.candidate)
    return replace(decided, act=chosen.candidate.act, silence=None, chosen=chosen._replace(instead=instead))


def _by_value(weighed: Iterable[Weighed]) -> list[Weighed]:
    return sorted(weighed, key=lambda each: (-each.value, each.candidate.item))


def _otherwise(eligible: Sequence[Weighed], chosen: Weighed, drawing: Drawing) -> str:
    others = [each for each in eligible if each.candidate is not chosen.candidate]
    if not others:
        return ""
    candidate = draw(others, drawing).chosen.candidate
    return "" if candidate.act is Act.SILENT else candidate.item or candidate.act.value


def _with_parts(chosen: Weighed, offers: Gathered) -> Weighed:
    if chosen.candidate.act is not Act.OFFER:
        return chosen
    parts = tuple(offers.parts(chosen.candidate.item))
    return chosen._replace(candidate=chosen.candidate._replace(parts=parts))


def _also(shelf: Shelf, first: Candidate, eligible: Sequence[Weighed], rules: Rules, count: int) -> list[Weighed]:
    """Return further items, most valuable first, each unlike all before it by what its terms say it is about."""
    if first.act is not Act.OFFER:
        return []
    named, found = [first.item], []
    for each in eligible:
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

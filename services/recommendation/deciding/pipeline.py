"""A decision from first to last: limits, gates, scores, values, abstaining, the draw, and what else to name."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.recommendation.deciding.budget import first_free_ms, limit
from services.recommendation.deciding.drawing import chances, drawn
from services.recommendation.deciding.gathering import Gathered, Ranked, gather, topic_of
from services.recommendation.deciding.grounds import Grounds
from services.recommendation.deciding.habits import Habits
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
    Rules,
    Silence,
    Treatment,
    Verdict,
    Weighed,
)
from services.recommendation.domain import Situation

_SILENCE = Weighed(Candidate(Act.SILENT), -1, 0.0, 0.0, 0.0, 0.0)


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
    welcome, said = _welcome(ranked, question, grounds, candidates)
    if said:
        nothing = _spoken(nothing, said, most_welcome(said))
    if not welcome:
        return replace(nothing, silence=Silence.UNWELCOME)
    annoys = chance_to_annoy(question.state, moment, rules)
    weighed = weigh(welcome, question.state, grounds.taught, annoys, rules)
    weighed.sort(key=lambda each: (-each.value, each.candidate.item))
    eligible = [each for each in weighed if each.value_low > 0]
    if not eligible:
        return replace(nothing, silence=Silence.NOT_WORTH_IT, weighed=tuple(weighed), p_annoy=annoys)
    explored = 0.0 if question.treatment.is_protective else rules.explored
    drawn_from, place = _draw(eligible, rules.temperature, explored, lot)
    chosen = drawn_from[place]
    rest = (each for each in weighed if each.value_low <= 0)
    decided = replace(nothing, propensity=chosen.propensity, weighed=(*drawn_from[:-1], *rest), p_annoy=annoys)
    if chosen.candidate.act is Act.SILENT:
        return replace(decided, silence=Silence.CHANCE)
    return replace(
        _spoken(decided, said, _topic(ranked, question, chosen.candidate)),
        act=chosen.candidate.act,
        silence=None,
        chosen=_with_parts(chosen, offers),
        otherwise=_otherwise(eligible, chosen, rules.temperature, explored, lot),
        also=_also(ranked.shelf, chosen.candidate, eligible, rules, moment.count),
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
    ranked: Ranked, question: Question, grounds: Grounds, candidates: list[Candidate]
) -> tuple[list[Candidate], dict[str, Verdict]]:
    """Return what manners let the brand begin with, and what they say of each topic; all of what was asked for."""
    if question.moment.initiative is Initiative.PERSONA:
        return candidates, {}
    topics = [_topic(ranked, question, each) for each in candidates]
    said = verdicts(grounds, question.habits, question.moment, topics)
    return [each for each, topic in zip(candidates, topics, strict=True) if said[topic].speaks], said


def _spoken(decided: Decided, said: dict[str, Verdict], topic: str) -> Decided:
    return replace(decided, topic=topic, verdict=said.get(topic))


def _topic(ranked: Ranked, question: Question, candidate: Candidate) -> str:
    if candidate.act is not Act.OFFER:
        return candidate.act.value
    # What others could compare must not be chosen by what was answered elsewhere: then it is about offers as such.
    return "" if question.situation.draw_key else topic_of(ranked, candidate.item)


def _plain(act: Act, rules: Rules) -> Candidate:
    return Candidate(act, benefit=rules.benefits[act.value])


def _draw(eligible: Sequence[Weighed], temperature: float, explored: float, lot: float) -> tuple[list[Weighed], int]:
    """Return what was drawn from, silence last and worth nothing, with the chance of each, and which one it was."""
    probabilities, place = _lots(eligible, temperature, explored, lot)
    every = zip([*eligible, _SILENCE], probabilities, strict=True)
    return [Weighed(*each[:-1], chance) for each, chance in every], place


def _lots(eligible: Sequence[Weighed], temperature: float, explored: float, lot: float) -> tuple[list[float], int]:
    probabilities = chances([*(each.value for each in eligible), _SILENCE.value], temperature, explored)
    return probabilities, drawn(probabilities, lot)


def _otherwise(eligible: Sequence[Weighed], chosen: Weighed, temperature: float, explored: float, lot: float) -> str:
    others = [each for each in eligible if each.candidate is not chosen.candidate]
    if not others:
        return ""
    _, place = _lots(others, temperature, explored, lot)
    if place == len(others):
        return ""
    candidate = others[place].candidate
    return candidate.item or candidate.act.value


def _with_parts(chosen: Weighed, offers: Gathered) -> Weighed:
    if chosen.candidate.act is not Act.OFFER:
        return chosen
    parts = tuple(offers.parts(chosen.candidate.item))
    return chosen._replace(candidate=chosen.candidate._replace(parts=parts))


def _also(shelf: Shelf, first: Candidate, eligible: Sequence[Weighed], rules: Rules, count: int) -> tuple[str, ...]:
    """Return further items, most valuable first, each unlike all before it by what its terms say it is about."""
    if first.act is not Act.OFFER:
        return ()
    named = [first.item]
    for each in eligible:
        item = each.candidate.item
        if len(named) == count:
            break
        if item and item not in named and all(_likeness(shelf, item, other) < rules.alike for other in named):
            named.append(item)
    return tuple(named[1:])


def _likeness(shelf: Shelf, item: str, other: str) -> float:
    one, two = shelf.topics(item), shelf.topics(other)
    return len(one & two) / len(one | two) if one and two else 0.0

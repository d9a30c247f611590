"""What is written down of a decision: all that tells why it was made, and why nothing else was."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.recommendation.deciding import (
    PLAYS,
    WINDOW_MS,
    Decided,
    Initiative,
    Moment,
    Occasion,
    Question,
    Suits,
    Weighed,
    occasion,
)
from services.recommendation.domain import Reason

#: How many of those that were weighed are written down.
_RUNNERS_UP = 5
_REASONS = 3
#: The part of a score that every item has.
_USUAL = "usual"
#: What an audience is not told: how somebody plays.
_UNTOLD = frozenset((_USUAL, PLAYS))


@dataclass(frozen=True, slots=True)
class Made:
    """How a decision was made."""

    relationship: str
    lot: float
    model_version: int
    policy_version: str


def record(question: Question, decided: Decided, made: Made) -> dict[str, Any]:
    """Return the record, of plain values.

    `contributions` add up to `score`; `p_accept` times `benefit`, less `cost`, is `value`; and `benefit` is that of the
    terms times what `suits.worth` says of offers.
    """
    return {
        "act": decided.act.value,
        "silence": decided.silence.value if decided.silence else "",
        "propensity": decided.propensity,
        "policy": decided.policy.value,
        "lot": made.lot,
        "moment": _moment(question.moment),
        **_chosen(decided.chosen),
        "p_annoy": decided.p_annoy,
        "cost": decided.cost,
        "suits": _suits(question.suits),
        "manners": _manners(question.moment, decided),
        "otherwise": decided.otherwise,
        "weighed": [_weighed(each) for each in decided.weighed[:_RUNNERS_UP]],
        "weighed_in_all": len(decided.weighed),
        "closed": dict(decided.gates),
        "candidates": decided.candidates_hash.hex(),
        "limits": _limits(question, decided, made.relationship),
        "not_used": _not_used(question, made),
        "model_version": made.model_version,
        "policy_version": made.policy_version,
    }


def reasons_of(parts: Iterable[tuple[str, str, float]]) -> tuple[Reason, ...]:
    """Return what spoke for an act, strongest first, with its share of all that did."""
    gains = sorted((part for part in parts if part[2] > 0 and part[0] not in _UNTOLD), key=lambda part: -part[2])
    whole = sum(amount for _, _, amount in gains)
    return tuple(Reason(kind, ref, amount / whole) for kind, ref, amount in gains[:_REASONS])


def occasion_of(told: dict[str, Any]) -> Occasion | None:
    """Return the moment of a record as manners saw it; None for records of before they were asked."""
    seen = told.get("manners")
    return None if seen is None else Occasion(*(seen[name] for name in Occasion._fields))


def _moment(moment: Moment) -> dict[str, Any]:
    return {
        "at_ms": moment.at_ms,
        "channel": moment.channel,
        "acts": sorted(moment.acts),
        "initiative": moment.initiative.value,
        "interruption": moment.interruption,
    }


def _manners(moment: Moment, decided: Decided) -> dict[str, Any]:
    """Return how the moment looked to manners, and what they said of it; nothing of what was asked for."""
    seen = occasion(moment, decided.topic)._asdict()
    return {**seen, **({} if decided.verdict is None else decided.verdict._asdict())}


def _chosen(chosen: Weighed | None) -> dict[str, Any]:
    if chosen is None:
        return {"item": ""}
    parts = [{"kind": kind, "ref": ref, "amount": amount} for kind, ref, amount in chosen.candidate.parts]
    counted = {"bucket": chosen.bucket, "cell": chosen.cell, "promised": chosen.promised, "instead": chosen.instead}
    return {**_weighed(chosen), **counted, "contributions": parts}


def _weighed(weighed: Weighed) -> dict[str, Any]:
    return {
        "act": weighed.candidate.act.value,
        "item": weighed.candidate.item,
        "score": weighed.candidate.score,
        "benefit": weighed.candidate.benefit,
        "p_accept": weighed.p_accept,
        "p_accept_low": weighed.p_accept_low,
        "value": weighed.value,
        "value_low": weighed.value_low,
        "propensity": weighed.propensity,
    }


def _suits(suits: Suits) -> dict[str, Any]:
    """Return what was known of the persona beside its taste, and what was made of it."""
    facts = suits.facts
    return {
        "journey": facts.bearing.journey,
        "switching_risk": facts.bearing.switching_risk,
        "is_sold_to": suits.is_sold_to,
        "play": [name for name, _ in facts.plays],
        "like": facts.like,
        "worth": [{"kind": kind, "ref": ref, "factor": amount} for kind, ref, amount in suits.factors],
        "style": suits.style,
    }


def _limits(question: Question, decided: Decided, relationship: str) -> dict[str, Any]:
    treatment, since_ms = question.treatment, question.moment.at_ms - WINDOW_MS
    return {
        "relationship": relationship or "unknown",
        "contacts": sum(at_ms > since_ms for at_ms in question.state.contacts),
        "most_contacts": treatment.contacts,
        "least_gap_ms": treatment.least_gap_ms,
        "quiet_hours": sorted(treatment.quiet),
        "quiet_until_ms": decided.quiet_until_ms,
    }


def _not_used(question: Question, made: Made) -> list[str]:
    """Return what could tell something and had no part in this."""
    situation, facts = question.situation, question.suits.facts
    has_asked = question.moment.initiative is Initiative.PERSONA
    absent = {
        "texts": True,
        "what is not linked with this persona": True,
        "history": bool(situation.draw_key) or not situation.history,
        "likes": not situation.likes,
        "age": not question.moment.least_age,
        "relationship": not made.relationship,
        "journey": has_asked or (facts.bearing.journey == "unknown" and facts.bearing.switching_risk is None),
        "purchases": has_asked or facts.bought is None,
        "play": not facts.plays or facts.is_compared,
        "people like this": not facts.like,
    }
    return [name for name, is_absent in absent.items() if is_absent]

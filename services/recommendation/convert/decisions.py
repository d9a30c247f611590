"""Contract messages about decisions to this room's words and back; bounds of requests are checked here."""

import re

import msgspec

from contracts.common.v1.subject_pb2 import KeyedPersona
from contracts.recommendation.v1 import recommendation_pb2 as messages
from services.recommendation.clients import bearing_from_proto, bought_from_proto, circle_from_proto
from services.recommendation.convert import MOST_EXCLUDED, MOST_ITEM, brand, met, require, to_decision, to_reason
from services.recommendation.deciding import (
    LEAST_ANSWERS,
    Act,
    Decided,
    Initiative,
    Moment,
    Outcome,
    Policy,
    Terms,
)
from services.recommendation.domain import Circle, Decision, Persona, Signals
from services.recommendation.record import reasons_of
from services.recommendation.treating import Like, Treating
from services.recommendation.use_cases.answer import Said
from services.recommendation.use_cases.decide import ID_BYTES, Answer, Asked
from services.recommendation.use_cases.listing import Listed, shown
from services.recommendation.use_cases.policy import Standing

_SHARDS = 64
_PID_BYTES = 16
_KEY_BYTES = 32
_MOST_CIRCLE = 64
_MOST_NAMED = 10
_MOST_TERMS = 1_000
_MOST_ERASED = 1_000
_MOST_TOPICS = 8
_MOST_ACTIVITY = 32
_MOST_TOPIC = 64
_MOST_TERMS_CHANNELS = 16
_MOST_ALSO_IN = 8
_MOST_BENEFIT = 10.0
_MOST_AGE = 120
_MOST_OFFSET = 840
_MOST_MS = 1 << 52
_CHANNEL = re.compile(r"[a-z0-9_.-]{1,32}")
_ACTS = {act.value: act for act in Act if act is not Act.SILENT}
_INITIATIVES = {"": Initiative.BRAND, **{each.value: each for each in Initiative}}
_OUTCOMES = {outcome.name.lower(): outcome for outcome in Outcome if outcome is not Outcome.NONE}
_POLICIES = frozenset(Policy)
# Said once: with every request they would cost more than the checks.
_SOME_ACTS = f"some of {', '.join(_ACTS)}"
_AN_INITIATIVE = f"one of {', '.join(Initiative)}, or none"
_AN_AGE = f"at most {_MOST_AGE}"
_AN_OFFSET = f"-{_MOST_OFFSET} to {_MOST_OFFSET}"
_AN_ACTIVITY = f"at most {_MOST_ACTIVITY} characters"
_ALSO_IN = f"at most {_MOST_ALSO_IN} of {_CHANNEL.pattern}"
_EXCLUDED = f"at most {MOST_EXCLUDED}"
_NAMED = f"1 to {_MOST_NAMED}"
_A_CIRCLE = f"1 to {_MOST_CIRCLE}"
_A_SHARD = f"at most {_SHARDS - 1}"
_A_PID = f"{_PID_BYTES} bytes"
_A_KEY = f"{_KEY_BYTES} bytes"
#: The caller read it under recommend.offer itself.
_READ = Decision("", is_allowed=True, reason="", sequence=0, record_id="")


def asked(request: messages.DecideRequest, at_ms: int, treating: Treating) -> Asked:
    brand(request.brand)
    acts = [_ACTS.get(act) for act in request.acts]
    require(bool(acts) and None not in acts, "acts", _SOME_ACTS)
    require(request.initiative in _INITIATIVES, "initiative", _AN_INITIATIVE)
    channel(request.channel)
    require(request.least_age <= _MOST_AGE, "least_age", _AN_AGE)
    # The comparison is false for what is no number, too.
    require(0.0 <= request.interruption <= 1.0, "interruption", "0 to 1")
    require(abs(request.utc_offset_minutes) <= _MOST_OFFSET, "utc_offset_minutes", _AN_OFFSET)
    if request.relationship not in treating.treatments:
        require(False, "relationship", f"one of {', '.join(filter(None, treating.treatments))}")
    require(len(request.activity) <= _MOST_ACTIVITY, "activity", _AN_ACTIVITY)
    require(len(request.exclude) <= MOST_EXCLUDED, "exclude", _EXCLUDED)
    require(1 <= request.count <= _MOST_NAMED, "count", _NAMED)
    also_in, like = tuple(request.also_in), Like(request.market, request.group)
    require(len(also_in) <= _MOST_ALSO_IN and all(map(_CHANNEL.fullmatch, also_in)), "also_in", _ALSO_IN)
    treating.check(request.brand, like)
    moment = Moment(
        at_ms,
        request.channel,
        frozenset(filter(None, acts)),
        _INITIATIVES[request.initiative],
        request.least_age,
        request.interruption,
        request.utc_offset_minutes,
        request.count,
        request.activity,
    )
    return Asked(moment, request.relationship, frozenset(request.exclude), request.needs_offers, also_in, like)


def channel(told: str) -> str:
    require(bool(_CHANNEL.fullmatch(told)), "channel", _CHANNEL.pattern)
    return told


def known(request: messages.DecideRequest) -> Signals:
    told, history = request.known, request.known.history
    require(1 <= len(told.circle) <= _MOST_CIRCLE, "known.circle", _A_CIRCLE)
    for each in told.circle:
        _check(each, request.brand, "known.circle")
    return Signals(
        _READ,
        met(history),
        tuple(history.likes),
        history.draw_key,
        frozenset(history.removed_items),
        tuple(history.removed_topics),
        circle_from_proto(told.circle),
        bought=bought_from_proto(told.bought) if told.HasField("bought") else None,
        bearing=bearing_from_proto(told.bearing),
    )


def said(request: messages.GiveFeedbackRequest) -> Said:
    require(request.outcome in _OUTCOMES, "outcome", f"one of {', '.join(_OUTCOMES)}")
    return Said(decision_id(request.decision_id), _OUTCOMES[request.outcome], request.visible_ms)


def decision_id(told: bytes) -> bytes:
    require(len(told) == ID_BYTES, "decision_id", f"{ID_BYTES} bytes")
    return told


def terms(request: messages.PutOffersRequest) -> list[Terms]:
    require(1 <= len(request.terms) <= _MOST_TERMS, "terms", f"1 to {_MOST_TERMS}")
    return [_terms(each) for each in request.terms]


def erased(request: messages.ErasePersonasRequest) -> list[Persona]:
    require(1 <= len(request.personas) <= _MOST_ERASED, "personas", f"1 to {_MOST_ERASED}")
    of_one = brand(request.personas[0].brand)
    for each in request.personas:
        require(each.brand == of_one, "personas.brand", "one brand")
        require(each.shard < _SHARDS, "personas.shard", _A_SHARD)
        require(len(each.pid) == _PID_BYTES, "personas.pid", _A_PID)
    return [Persona(each.brand, each.shard, each.pid) for each in request.personas]


def policy(value: str) -> Policy:
    require(value in _POLICIES, "policy", f"one of {', '.join(Policy)}")
    return Policy(value)


def to_policy(standing: Standing) -> messages.Policy:
    told = messages.Policy(policy=standing.policy, answers=standing.answers, goes_live=standing.goes_live)
    if standing.answers >= LEAST_ANSWERS:
        told.gain, told.gain_low, told.gain_high = standing.gain
    return told


def to_answer(answer: Answer, policy_version: str) -> messages.DecideResponse:
    told = messages.DecideResponse(
        decision_id=answer.decision_id,
        act=Act.SILENT.value,
        silence=answer.silence,
        style=answer.treatment.style,
        content=answer.treatment.content,
        decision=None if answer.decision is None else to_decision(answer.decision),
        model_version=answer.model_version,
        policy_version=policy_version,
        channel=answer.channel,
    )
    if answer.decided is not None:
        _tell(told, answer.decided)
    return told


def to_feedback(*, is_repeat: bool, outcome: Outcome) -> messages.GiveFeedbackResponse:
    return messages.GiveFeedbackResponse(is_repeat=is_repeat, reward=outcome.reward)


def to_explanation(document: dict[str, object]) -> messages.ExplainDecisionResponse:
    return messages.ExplainDecisionResponse(document=msgspec.json.encode(document))


def listed(request: messages.ListDecisionsRequest) -> Circle:
    require(1 <= len(request.personas) <= _MOST_CIRCLE, "personas", f"1 to {_MOST_CIRCLE}")
    of_one = brand(request.personas[0].persona.brand)
    for each in request.personas:
        _check(each, of_one, "personas")
    return circle_from_proto(request.personas)


def to_list(found: Listed) -> messages.ListDecisionsResponse:
    documents = map(msgspec.json.encode, found.documents)
    habits = msgspec.json.encode(shown(found.habits)) if found.habits else b""
    return messages.ListDecisionsResponse(documents=documents, next=found.next, habits=habits)


def _tell(told: messages.DecideResponse, decided: Decided) -> None:
    told.policy_version = f"{told.policy_version}.{decided.policy}"
    told.act, told.silence = decided.act.value, decided.silence.value if decided.silence else ""
    told.propensity, told.quiet_until_ms = decided.propensity, decided.quiet_until_ms
    if decided.chosen is not None:
        chosen = decided.chosen
        told.item, told.p_accept, told.p_accept_low = chosen.candidate.item, chosen.p_accept, chosen.p_accept_low
        told.value = chosen.value
        told.reasons.extend(to_reason(each) for each in reasons_of(chosen.candidate.parts))
        told.also.extend(each.candidate.item for each in decided.also)


def _check(told: KeyedPersona, of: str, field: str) -> None:
    persona = told.persona
    require(persona.brand == of, f"{field}.persona.brand", "the brand of the request")
    require(persona.shard < _SHARDS, f"{field}.persona.shard", _A_SHARD)
    require(len(persona.pid) == _PID_BYTES, f"{field}.persona.pid", _A_PID)
    require(len(told.decision_key) == _KEY_BYTES, f"{field}.decision_key", _A_KEY)


def _terms(told: messages.Terms) -> Terms:
    require(1 <= len(told.item) <= MOST_ITEM, "terms.item", f"1 to {MOST_ITEM} characters")
    require(0 <= told.from_ms <= _MOST_MS, "terms.from_ms", f"0 to {_MOST_MS}")
    require(0 <= told.until_ms <= _MOST_MS, "terms.until_ms", f"0 to {_MOST_MS}")
    require(told.least_age <= _MOST_AGE, "terms.least_age", f"at most {_MOST_AGE}")
    require(len(told.channels) <= _MOST_TERMS_CHANNELS, "terms.channels", f"at most {_MOST_TERMS_CHANNELS}")
    require(all(_CHANNEL.fullmatch(each) for each in told.channels), "terms.channels", _CHANNEL.pattern)
    require(len(told.topics) <= _MOST_TOPICS, "terms.topics", f"at most {_MOST_TOPICS}")
    require(
        all(1 <= len(each) <= _MOST_TOPIC for each in told.topics), "terms.topics", f"1 to {_MOST_TOPIC} characters"
    )
    require(0.0 <= told.benefit <= _MOST_BENEFIT, "terms.benefit", f"0 to {_MOST_BENEFIT:g}")
    return Terms(
        told.item,
        told.from_ms,
        told.until_ms,
        told.is_sold_out,
        told.least_age,
        tuple(told.channels),
        tuple(told.topics),
        told.benefit or 1.0,
    )

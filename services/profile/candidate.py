"""A pack that is only tried: other weights by kind, and another translation of what is stored."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kit.errors import Status, TypedError
from kit.packs import load
from services.profile.domain import Kind
from services.profile.weights import PACK, KindWeight, TraitsPack, Weights, load_weights

_MAX_BYTES = 64 * 1024
_MAX_RULES = 1_000
_MAX_TEXT = 128
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
#: Both say who somebody is, and a replay changes nobody.
_BEHAVIOUR = tuple(kind.name.lower() for kind in Kind if kind < Kind.IDENTIFIED)
_KINDS = tuple(kind.name.lower() for kind in Kind)
#: Sections of a vocabulary pack: what they read stayed at the door.
_OF_THE_DOOR = ("events", "fields", "topics", "channels", "default", "purposes", "sources")
_RANGES = {"weight": (-1.0, 1.0), "wish": (0.0, 1.0)}


class CandidateRefusedError(TypedError):
    """The candidate cannot be tried; the field says where."""

    reason = "CANDIDATE_REFUSED"
    status = Status.INVALID


class NotReplayableError(TypedError):
    """The candidate changes what nobody can replay: raw events are not stored."""

    reason = "NOT_REPLAYABLE"
    status = Status.INVALID


@dataclass(frozen=True, slots=True)
class Rule:
    """What a stored kind becomes, of one source or channel only where they are named; no `to` leaves it out."""

    kind: int
    to: int | None
    source: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is tried beside the live pack."""

    id: str
    version: str
    weights: Weights
    rules: tuple[Rule, ...] = ()
    #: What stored topics become; None leaves one out.
    topics: Mapping[str, str | None] = field(default_factory=dict)
    #: What differs from the live pack, as field, live, candidate.
    changes: tuple[tuple[str, str, str], ...] = ()


def load_candidate(path: Path) -> Candidate:
    """Return the candidate in `path`; a kind it does not name stays as it is live.

    Raises CandidateRefusedError and NotReplayableError, which name the field.
    """
    document = _mapping(_read(path), "")
    for name in _OF_THE_DOOR:
        if name in document:
            raise NotReplayableError("a door read this, and it is not stored", field=name, limit="kinds, translation")
    _only(document, "", ("id", "version", "kinds", "translation"))
    live = load_weights()
    weights = _weights(_mapping(document.get("kinds"), "kinds"), live)
    translation = _mapping(document.get("translation"), "translation")
    _only(translation, "translation", ("kinds", "topics"))
    rules = _rules(translation.get("kinds"))
    topics = _topics(_mapping(translation.get("topics"), "translation.topics"))
    changes = (*_changed_weights(live, weights), *_changed_translation(rules, topics))
    return Candidate(
        _text(document.get("id"), "id"), _text(document.get("version"), "version"), weights, rules, topics, changes
    )


def live_pack() -> TraitsPack:
    """Return the pack that the folder uses."""
    return load(PACK, TraitsPack)


def _read(path: Path) -> object:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CandidateRefusedError("the file cannot be read", field="pack") from error
    if len(text) > _MAX_BYTES:
        raise CandidateRefusedError("the file is too large", field="pack", limit=f"{_MAX_BYTES} bytes")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "pack"
        raise CandidateRefusedError("not YAML", field=where) from error


def _weights(kinds: Mapping[str, object], live: Weights) -> Weights:
    _only(kinds, "kinds", _KINDS)
    weights = list(live)
    for name, told in kinds.items():
        place = f"kinds.{name}"
        says = _mapping(told, place)
        _only(says, place, ("weight", "wish", "scaled"))
        if "weight" not in says:
            raise CandidateRefusedError("left out", field=f"{place}.weight", limit="-1 to 1")
        scaled = says.get("scaled", False)
        if not isinstance(scaled, bool):
            raise CandidateRefusedError("neither", field=f"{place}.scaled", limit="true or false")
        number = {key: _number(says.get(key, 0.0), f"{place}.{key}", *_RANGES[key]) for key in _RANGES}
        weights[Kind[name.upper()]] = KindWeight(number["weight"], number["wish"], scaled)
    return tuple(weights)


def _rules(told: object) -> tuple[Rule, ...]:
    if told is None:
        return ()
    if not isinstance(told, list) or len(told) > _MAX_RULES:
        raise CandidateRefusedError("no list", field="translation.kinds", limit=f"a list of at most {_MAX_RULES}")
    return tuple(_rule(_mapping(each, f"translation.kinds[{at}]"), at) for at, each in enumerate(told))


def _rule(told: Mapping[str, object], at: int) -> Rule:
    place = f"translation.kinds[{at}]"
    _only(told, place, ("kind", "to", "source", "channel"))
    if "to" not in told:
        raise CandidateRefusedError("left out", field=f"{place}.to", limit=f"null or one of {', '.join(_BEHAVIOUR)}")
    to = told["to"]
    narrowed = {key: _text(told[key], f"{place}.{key}") for key in ("source", "channel") if key in told}
    return Rule(_kind(told.get("kind"), f"{place}.kind"), None if to is None else _kind(to, f"{place}.to"), **narrowed)


def _topics(told: Mapping[str, object]) -> dict[str, str | None]:
    return {
        topic: None if to is None else _text(to, f"translation.topics.{_named(topic)}") for topic, to in told.items()
    }


def _changed_weights(live: Weights, weights: Weights) -> Iterable[tuple[str, str, str]]:
    for kind in Kind:
        for name in ("weight", "wish", "scaled"):
            before, after = getattr(live[kind], name), getattr(weights[kind], name)
            if before != after:
                yield f"kinds.{kind.name.lower()}.{name}", str(before), str(after)


def _changed_translation(rules: Iterable[Rule], topics: Mapping[str, str | None]) -> Iterable[tuple[str, str, str]]:
    for at, rule in enumerate(rules):
        narrowed = " ".join(filter(None, (Kind(rule.kind).name.lower(), rule.source, rule.channel)))
        yield f"translation.kinds[{at}]", narrowed, "left out" if rule.to is None else Kind(rule.to).name.lower()
    for topic, to in topics.items():
        yield f"translation.topics.{topic}", topic, "left out" if to is None else to


def _mapping(told: object, place: str) -> Mapping[str, Any]:
    if told is None and place:
        return {}
    if not isinstance(told, dict) or not all(isinstance(key, str) for key in told):
        raise CandidateRefusedError("no mapping", field=place or "pack", limit="names with values")
    return told


def _only(told: Mapping[str, object], place: str, known: tuple[str, ...]) -> None:
    for key in told:
        if key not in known:
            field = f"{place}.{_named(key)}" if place else _named(key)
            raise CandidateRefusedError("unknown", field=field, limit=f"one of {', '.join(known)}")


def _number(told: object, place: str, least: float, most: float) -> float:
    # Not a number is neither above nor below anything.
    if isinstance(told, bool) or not isinstance(told, int | float) or not least <= told <= most:
        raise CandidateRefusedError("out of range", field=place, limit=f"{least:g} to {most:g}")
    return float(told)


def _kind(told: object, place: str) -> int:
    if told not in _BEHAVIOUR:
        raise CandidateRefusedError("no such kind", field=place, limit=f"one of {', '.join(_BEHAVIOUR)}")
    return Kind[str(told).upper()]


def _text(told: object, place: str) -> str:
    if not isinstance(told, str) or not 0 < len(told) <= _MAX_TEXT:
        raise CandidateRefusedError("no text", field=place, limit=f"1 to {_MAX_TEXT} characters")
    return told


def _named(key: str) -> str:
    return key if _KEY.fullmatch(key) else "(unprintable)"

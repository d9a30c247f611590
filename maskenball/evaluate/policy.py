"""What a new policy would have brought, from a log of decisions: JSON lines, one for each."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from kit.errors import Status, TypedError
from services.recommendation.bandit.offpolicy import Estimate, Interval, Logged, Numbers, effective, estimate

_LEAST = 100
_MOST_FEATURES = 128
_BEST = "best:"


class LogFormatError(TypedError):
    """The log or the candidate policy is not of the form that is read. Names line and field, never what they hold."""

    reason = "LOG_UNREADABLE"
    status = Status.INVALID


class _Candidate(msgspec.Struct):
    item: str
    features: dict[str, float] = {}


class _Line(msgspec.Struct):
    candidates: list[_Candidate]
    action: str
    propensity: float
    reward: float


class _Log(NamedTuple):
    lines: list[_Line]
    names: list[str]


_line = msgspec.json.Decoder(_Line)
_chances = msgspec.json.Decoder(dict[str, float])


def evaluate(log: Path, candidate: str) -> dict[str, Any]:
    """Return the estimates. `candidate` is "uniform", "best:FEATURE", or a file of chances by item for each line."""
    read = _read(log)
    logged = _logged(read)
    chances = np.concatenate(list(_policy(read, candidate)))
    estimates = estimate(logged, chances)
    return {
        "decisions": len(read.lines),
        "effective_decisions": round(effective(logged, chances), 1),
        "logged": round(float(logged.rewards.mean()), 5),
        **{name: _named(each) for name, each in estimates.items()},
        # Doubly robust: right when either the propensities or the model are.
        "goes_live": estimates["dr"].holds,
    }


def _named(each: Estimate) -> dict[str, list[float]]:
    return {"reward": _rounded(each.reward), "gain": _rounded(each.gain)}


def _rounded(interval: Interval) -> list[float]:
    return [round(value, 5) for value in interval]


def _read(path: Path) -> _Log:
    lines = [_checked(number, raw) for number, raw in enumerate(path.read_bytes().splitlines(), 1) if raw.strip()]
    if len(lines) < _LEAST:
        raise LogFormatError("too few decisions for an interval", field="log", limit=f"at least {_LEAST}")
    names = sorted({name for line in lines for each in line.candidates for name in each.features})
    if len(names) > _MOST_FEATURES:
        raise LogFormatError("too many features", field="candidates.features", limit=f"at most {_MOST_FEATURES}")
    return _Log(lines, names)


def _checked(number: int, raw: bytes) -> _Line:
    try:
        line = _line.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "it is no JSON object"
        raise LogFormatError(f"line {number}: {what}", field=f"log[{number}]") from None
    items = [each.item for each in line.candidates]
    if len(set(items)) < len(items):
        raise LogFormatError(f"line {number}: an item is named twice", field=f"log[{number}].candidates")
    if line.action not in items:
        raise LogFormatError(f"line {number}: action is no candidate", field=f"log[{number}].action")
    if not 0.0 < line.propensity <= 1.0:
        raise LogFormatError(
            f"line {number}: propensity", field=f"log[{number}].propensity", limit="more than 0, at most 1"
        )
    return line


def _logged(log: _Log) -> Logged:
    sizes = np.array([len(line.candidates) for line in log.lines])
    starts = np.cumsum(sizes) - sizes
    places = [[each.item for each in line.candidates].index(line.action) for line in log.lines]
    features = [[each.features.get(name, 0.0) for name in log.names] for line in log.lines for each in line.candidates]
    return Logged(
        starts,
        np.array(features, dtype=np.float64).reshape(int(sizes.sum()), len(log.names)),
        starts + np.array(places, dtype=np.intp),
        np.array([line.propensity for line in log.lines]),
        np.array([line.reward for line in log.lines]),
    )


def _policy(log: _Log, candidate: str) -> Iterator[Numbers]:
    if candidate == "uniform":
        return (np.full(len(line.candidates), 1.0 / len(line.candidates)) for line in log.lines)
    if candidate.startswith(_BEST):
        name = candidate.removeprefix(_BEST)
        if name not in log.names:
            raise LogFormatError(
                "no candidate has this feature", field="candidate", limit=f"one of {', '.join(log.names)}"
            )
        return (_best([each.features.get(name, 0.0) for each in line.candidates]) for line in log.lines)
    return _told(log, Path(candidate))


def _best(values: Sequence[float]) -> Numbers:
    chances = np.zeros(len(values))
    chances[int(np.argmax(values))] = 1.0
    return chances


def _told(log: _Log, path: Path) -> Iterator[Numbers]:
    raws = [raw for raw in path.read_bytes().splitlines() if raw.strip()]
    if len(raws) != len(log.lines):
        raise LogFormatError("needs a line for each decision", field="candidate", limit=f"{len(log.lines)} lines")
    for number, (raw, line) in enumerate(zip(raws, log.lines, strict=True), 1):
        try:
            told = _chances.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise LogFormatError(f"line {number}: no chances by item", field=f"candidate[{number}]") from None
        chances = np.array([told.get(each.item, 0.0) for each in line.candidates])
        if (chances < 0).any() or abs(float(chances.sum()) - 1.0) > 1e-6:  # noqa: PLR2004
            raise LogFormatError(
                f"line {number}: chances", field=f"candidate[{number}]", limit="not negative, sum to 1"
            )
        yield chances

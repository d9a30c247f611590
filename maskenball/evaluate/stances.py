"""How well a relationship pack judges texts: labels told, how sure of them, and alarms where nothing was said."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kit.errors import Status, TypedError
from relationships.corpus import NONE
from relationships.encoder import SentenceEncoder
from relationships.measuring import figures
from relationships.model import load_model
from relationships.pack import named_pack
from relationships.scorer import Features, Scorer

_MOST_CHARACTERS = 20_000


class LabelledFormatError(TypedError):
    """A line is not of the form that is read. Names its number and the field, never what it holds."""

    reason = "LABELLED_TEXTS_UNREADABLE"
    status = Status.INVALID


class _Line(msgspec.Struct):
    text: str
    lang: str
    label: str
    id: str | int | None = None


class Judged(NamedTuple):
    """The figures, and for each text what was told of it."""

    outcome: dict[str, Any]
    predictions: list[dict[str, Any]]


_line = msgspec.json.Decoder(_Line)


def evaluate(path: Path, pack_name: str) -> Judged:
    """Return the figures of a pack on the labelled texts of a file."""
    pack = named_pack(pack_name)
    lines = _read(path, {*pack.types, NONE})
    scorer = Scorer(pack, load_model(), Features(named_pack("core4"), SentenceEncoder()))
    probabilities = scorer.score([line.text for line in lines])
    told, sure = scorer.told(probabilities)
    outcome = figures([line.label for line in lines], [line.lang for line in lines], told, sure)
    return Judged(
        {**outcome, "texts": len(lines), "pack": pack.id}, _predictions(lines, told, scorer.names, probabilities)
    )


def _read(path: Path, labels: set[str]) -> list[_Line]:
    lines = list(_lines(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), labels))
    if not lines:
        raise LabelledFormatError("there is no text in the file")
    return lines


def _lines(content: bytes, labels: set[str]) -> Iterator[_Line]:
    for number, raw in enumerate(content.splitlines(), 1):
        if not raw.strip():
            continue
        try:
            line = _line.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise LabelledFormatError(f"line {number}: {_without_content(error)}") from None
        if line.label not in labels:
            raise LabelledFormatError(f"line {number}: label is none of {', '.join(sorted(labels))}")
        if len(line.text) > _MOST_CHARACTERS:
            raise LabelledFormatError(f"line {number}: text has more than {_MOST_CHARACTERS} characters")
        yield line


def _without_content(error: Exception) -> str:
    return str(error) if isinstance(error, msgspec.ValidationError) else "it is no JSON object"


def _predictions(
    lines: Sequence[_Line], told: Sequence[str], names: Sequence[str], probabilities: Any
) -> list[dict[str, Any]]:
    return [
        {
            "id": line.id if line.id is not None else number,
            "label": label,
            "probabilities": {name: round(float(value), 5) for name, value in zip(names, row, strict=True)},
        }
        for number, (line, label, row) in enumerate(zip(lines, told, probabilities, strict=True), 1)
    ]

"""Reads labelled texts: JSON lines of our own form or of presidio-research's, or one array of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from kit.errors import Status, TypedError


class TextsFormatError(TypedError):
    """A text is not of the form that is read. Names its number, never what it holds."""

    reason = "TEXTS_UNREADABLE"
    status = Status.INVALID


class Span(NamedTuple):
    """Where a labelled identifier stands, end excluded, and what it is."""

    start: int
    end: int
    kind: str


class _Span(msgspec.Struct):
    start: int | None = None
    end: int | None = None
    kind: str | None = None
    start_position: int | None = None
    end_position: int | None = None
    entity_type: str | None = None
    label: str | None = None


class _Text(msgspec.Struct):
    text: str | None = None
    full_text: str | None = None
    spans: list[_Span] | None = None


_array = msgspec.json.Decoder(list[_Text])
_text = msgspec.json.Decoder(_Text)


def read_texts(path: Path) -> Iterator[tuple[str, list[Span]]]:
    """Yield each text with its spans; raises TextsFormatError and OSError."""
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    for number, each in enumerate(_decoded(content), 1):
        text = each.text if each.text is not None else each.full_text
        if text is None:
            raise TextsFormatError(f"text {number} has neither text nor full_text")
        yield text, [_span(span, number) for span in each.spans or ()]


def _decoded(content: bytes) -> Iterator[_Text]:
    number = 1
    try:
        if content.lstrip()[:1] == b"[":
            yield from _array.decode(content)
            return
        for number, line in enumerate(content.splitlines(), 1):  # noqa: B007  # it is told when a line cannot be read
            if line.strip():
                yield _text.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TextsFormatError(f"line {number} is not of the form that is read") from error


def _span(span: _Span, number: int) -> Span:
    start = span.start if span.start is not None else span.start_position
    end = span.end if span.end is not None else span.end_position
    kind = span.kind or span.entity_type or span.label
    if start is None or end is None or kind is None:
        raise TextsFormatError(f"a span of text {number} lacks its start, its end or its kind")
    return Span(start, end, kind)

"""Spans as the processes of a stack wrote them, and the way from one of them up to its root."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str


class Trace:
    """Every span that has been written so far, over all processes."""

    def __init__(self, spans: list[Span]) -> None:
        self.spans = spans
        self._by_id = {span.span_id: span for span in spans}

    def path_to(self, span: Span) -> list[Span]:
        """The spans from the root down to `span`; empty while one of them has not been written."""
        path = [span]
        while path[0].parent_span_id:
            parent = self._by_id.get(path[0].parent_span_id)
            if parent is None or parent.trace_id != span.trace_id:
                return []
            path.insert(0, parent)
        return path

    def path_through(self, services: list[str], root: str) -> list[Span]:
        """A path whose spans lie in just these services, in this order, below a root of this name; or none."""
        for span in self.spans:
            if span.service != services[-1]:
                continue
            path = self.path_to(span)
            if path and path[0].name == root and [name for name, _ in itertools.groupby(path, _service)] == services:
                return path
        return []


def read_spans(folder: Path) -> Trace:
    return Trace([span for file in sorted(folder.glob("*.jsonl")) for span in _of(file)])


def _of(file: Path) -> Iterator[Span]:
    for line in file.read_text().splitlines(keepends=True):
        # The last line may still be on its way.
        if line.endswith("\n"):
            fields = json.loads(line)
            yield Span(**{name: fields[name] for name in Span.__dataclass_fields__})


def _service(span: Span) -> str:
    return span.service

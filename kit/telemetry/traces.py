"""Traces: spans to a JSON-lines file or an OTLP collector; attributes are names and counts, never content."""

import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import Token
from dataclasses import dataclass
from pathlib import Path
from random import random
from typing import Any

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from kit.settings import Settings

_PROPAGATOR = TraceContextTextMapPropagator()
# Stands for the tracer of whichever provider is installed later.
_TRACER = trace.get_tracer("kit")
_LENGTH = len(f"00-{0:032x}-{0:016x}-00")


class JsonLinesExporter(SpanExporter):
    """Appends one JSON object a span to a file."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("ab")
        self._lock = threading.Lock()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write and flush, so that a reader sees whole lines."""
        lines = b"".join(msgspec.json.encode(_record(each)) + b"\n" for each in spans)
        with self._lock:
            self._file.write(lines)
            self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()


def configure_traces(settings: Settings) -> None:
    """Install the provider of the process; a second call is ignored by OpenTelemetry."""
    _doors.share = settings.trace_ratio
    provider = TracerProvider(
        sampler=_Sampler(TraceIdRatioBased(settings.trace_ratio)),
        resource=Resource({SERVICE_NAME: settings.process}),
    )
    if settings.trace_file is not None:
        provider.add_span_processor(BatchSpanProcessor(JsonLinesExporter(settings.trace_file)))
    if settings.otlp_endpoint:
        # Half a second of imports that a process without a collector need not pay.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(settings.otlp_endpoint, insecure=True)))
    trace.set_tracer_provider(provider)


def close_traces() -> None:
    """Export what waits and stop the exporters."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def span(
    name: str,
    *,
    parent: Context | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[Link] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
) -> AbstractContextManager[Span]:
    """Open a span below `parent`, else the current one. Exceptions are not recorded: their texts may hold values."""
    above = trace.get_current_span(parent)
    about = above.get_span_context()
    # Nothing below a span that is not sampled is: the span above stands for it, and nothing is built to be dropped.
    if about.is_valid and not about.trace_flags.sampled:
        return _Unsampled(above, parent)
    return _TRACER.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        links=links,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    )


class _Unsampled(AbstractContextManager[Span]):
    """Stands for a span that nobody will see: the one above, made current where it is not yet."""

    __slots__ = ("_above", "_parent", "_token")

    def __init__(self, above: Span, parent: Context | None) -> None:
        self._above = above
        self._parent = parent
        self._token: Token[Context] | None = None

    def __enter__(self) -> Span:
        if self._parent is not None:
            self._token = attach(self._parent)
        return self._above

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            detach(self._token)


# Of a trace that is not sampled no id is ever shown, so one stands for all that come in.
_UNSAMPLED_ABOUT = SpanContext(trace_id=1, span_id=1, is_remote=True, trace_flags=TraceFlags(TraceFlags.DEFAULT))
_UNSAMPLED_PARENT = f"00-{1:032x}-{1:016x}-00"
_UNSAMPLED = set_span_in_context(NonRecordingSpan(_UNSAMPLED_ABOUT), Context())


@dataclass
class _Doors:
    """How many of the traces that begin at a door are kept, from 0 to 1."""

    share: float = 1.0


_doors = _Doors()
_KEPT = Context({"kit.kept": True})


class _Sampler(ParentBased):
    """Keeps what `begin` has decided to keep, and decides about every other trace by its id."""

    def should_sample(self, parent_context: Context | None, *arguments: Any, **named: Any) -> SamplingResult:
        if parent_context is _KEPT:
            return ALWAYS_ON.should_sample(parent_context, *arguments, **named)
        return super().should_sample(parent_context, *arguments, **named)


@contextmanager
def begin(name: str) -> Iterator[Span]:
    """Open the first span of a trace, at a door: what the caller says about traces could carry an identity.

    Whether it is kept is decided first: a span that nobody will see costs as much to build as one that is kept.
    """
    if random() >= _doors.share:
        token = attach(_UNSAMPLED)
        opened = trace.get_current_span()
    else:
        opened = _TRACER.start_span(name, context=_KEPT, kind=SpanKind.SERVER)
        token = attach(set_span_in_context(opened))
    try:
        yield opened
    finally:
        detach(token)
        opened.end()


def inject(headers: MutableMapping[str, str]) -> None:
    """Add `traceparent` of the current span."""
    about = trace.get_current_span().get_span_context()
    if about is _UNSAMPLED_ABOUT:
        headers["traceparent"] = _UNSAMPLED_PARENT
    elif about.is_valid:
        headers["traceparent"] = f"00-{about.trace_id:032x}-{about.span_id:016x}-{about.trace_flags:02x}"


def extract(headers: Mapping[str, str]) -> Context:
    """Read `traceparent`. Only for RPC and stream messages, whose senders are our own processes."""
    parent = headers.get("traceparent")
    if parent is not None and len(parent) == _LENGTH and parent.endswith("-00"):
        return _UNSAMPLED
    return _PROPAGATOR.extract({"traceparent": parent}, context=Context()) if parent else Context()


def _record(finished: ReadableSpan) -> dict[str, object]:
    context = finished.get_span_context()
    return {
        "trace_id": format(context.trace_id, "032x") if context else "",
        "span_id": format(context.span_id, "016x") if context else "",
        "parent_span_id": format(finished.parent.span_id, "016x") if finished.parent else "",
        "links": [format(link.context.trace_id, "032x") for link in finished.links],
        "service": finished.resource.attributes.get(SERVICE_NAME),
        "name": finished.name,
        "kind": finished.kind.name.lower(),
        "start_unix_nano": finished.start_time,
        "end_unix_nano": finished.end_time,
        "status": finished.status.status_code.name.lower(),
        "attributes": dict(finished.attributes or {}),
    }

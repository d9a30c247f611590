"""Traces: spans to a JSON-lines file or an OTLP collector; attributes are names and counts, never content."""

import threading
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from kit.settings import Settings

_PROPAGATOR = TraceContextTextMapPropagator()
# Stands for the tracer of whichever provider is installed later.
_TRACER = trace.get_tracer("kit")


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
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.trace_ratio)),
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


def tracer(name: str) -> Tracer:
    """Return the tracer of a module."""
    return trace.get_tracer(name)


def span(
    name: str,
    *,
    parent: Context | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[Link] = (),
    attributes: Mapping[str, AttributeValue] | None = None,
) -> AbstractContextManager[Span]:
    """Open a span below `parent`, else the current one. Exceptions are not recorded: their texts may hold values."""
    return _TRACER.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        links=links,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    )


def fresh() -> Context:
    """Return the parent for a door: none. A caller's traceparent could carry an identity into our traces."""
    return Context()


def inject(headers: MutableMapping[str, str]) -> None:
    """Add `traceparent` of the current span."""
    _PROPAGATOR.inject(headers)


def extract(headers: Mapping[str, str]) -> Context:
    """Read `traceparent`. Only for RPC and stream messages, whose senders are our own processes."""
    parent = headers.get("traceparent")
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

"""Logs, traces and metrics of a process. None of them carries identity, free text or request content."""

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from kit.settings import Settings
from kit.telemetry.logs import configure_logs, error_facts, logger
from kit.telemetry.traces import JsonLinesExporter, begin, close_traces, configure_traces, extract, inject, span

__all__ = [
    "JsonLinesExporter",
    "begin",
    "close",
    "configure",
    "error_facts",
    "extract",
    "inject",
    "logger",
    "render_metrics",
    "span",
]


def configure(settings: Settings) -> None:
    """Set up logs and traces once, at the start of the process."""
    configure_logs(settings.process, settings.log_file)
    configure_traces(settings)


def close() -> None:
    """Flush what waits to be exported; the last thing a process does."""
    close_traces()


def render_metrics() -> tuple[str, bytes]:
    """Return content type and body of the Prometheus page."""
    return CONTENT_TYPE_LATEST, generate_latest(REGISTRY)

"""Log lines: one JSON object each, an event `noun.past` and facts; of an error its type and place, never its text."""

import logging
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog
from opentelemetry import trace

from kit.errors import TypedError

_ROOT = str(Path(__file__).resolve().parents[2]) + "/"
type_name = "{0.__module__}.{0.__qualname__}".format


def configure_logs(process: str, file: Path | None) -> TextIO:
    """Send every line, those of libraries included, to `file` or standard error; return that."""
    sink = _open(file)
    _configure(process, lambda: sink)
    root = logging.getLogger()
    root.handlers = [_LibraryHandler()]
    root.setLevel(logging.WARNING)
    return sink


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger whose lines name the module that wrote them."""
    # What structlog does by itself would print the values around an error.
    if not structlog.is_configured():
        _configure("unconfigured", lambda: sys.stderr)
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return bound


def _configure(process: str, sink: Callable[[], TextIO]) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _with_process(process),
            _with_trace,
            _with_error,
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.WriteLogger(sink()),
        cache_logger_on_first_use=False,
    )


def error_facts(error: BaseException) -> dict[str, str]:
    """Describe an error without its text: type, reason, cause and the place in our code, else the innermost."""
    facts = {"error": type_name(type(error)), "place": _place(error.__traceback__)}
    if isinstance(error, TypedError):
        facts["reason"] = error.reason
    # The five characters of SQLSTATE say what PostgreSQL objected to and hold no value.
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if isinstance(state, str):
        facts["sqlstate"] = state
    cause = error.__cause__ or error.__context__
    if cause is not None:
        facts["cause"] = type_name(type(cause))
    return facts


def _place(traceback: TracebackType | None) -> str:
    ours = innermost = "?"
    while traceback is not None:
        code = traceback.tb_frame.f_code
        path = code.co_filename.removeprefix(_ROOT)
        innermost = f"{path}:{traceback.tb_lineno} {code.co_name}"
        if path != code.co_filename and not path.startswith("."):
            ours = innermost
        traceback = traceback.tb_next
    return innermost if ours == "?" else ours


def _open(file: Path | None) -> TextIO:
    if file is None:
        return sys.stderr
    file.parent.mkdir(parents=True, exist_ok=True)
    # Line buffered: whoever kills the process still finds the last line.
    return file.open("a", buffering=1, encoding="utf-8")


def _encode(event: MutableMapping[str, Any], **_: object) -> str:
    return msgspec.json.encode(event, enc_hook=lambda value: type_name(type(value))).decode()


def _with_process(process: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = process
        return event

    return add


def _with_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid and context.trace_flags.sampled:
        event["trace"] = format(context.trace_id, "032x")
    return event


def _with_error(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found
    if isinstance(error, BaseException):
        event.update(error_facts(error))
    return event


class _LibraryHandler(logging.Handler):
    """Reports that a library complained, from where; its text may hold values and is dropped."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        structlog.get_logger().warning(
            "library.complained",
            library=record.name,
            severity=record.levelname.lower(),
            line=f"{record.module}:{record.lineno} {record.funcName}",
            exc_info=error,
        )

import json
import logging

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from sqlalchemy.exc import IntegrityError

from kit.errors import UnavailableError
from kit.telemetry import JsonLinesExporter, begin, error_facts, extract, inject, logger, render_metrics, span
from kit.telemetry.logs import configure_logs

IDENTITY = "anna@example.org"


@pytest.fixture
def lines(tmp_path):
    """Reads the lines written since logs were configured for this test."""
    root = logging.getLogger()
    before = structlog.get_config(), root.handlers, root.level
    sink = configure_logs("room", tmp_path / "logs" / "room.log")
    yield lambda: [json.loads(line) for line in (tmp_path / "logs" / "room.log").read_text().splitlines()]
    structlog.configure(**before[0])
    root.handlers, root.level = before[1], before[2]
    sink.close()


def fail() -> None:
    raise KeyError(IDENTITY)


def caught(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as raised:
        return raised


class TestLogs:
    def test_a_line_is_an_event_with_facts(self, lines):
        logger("kit.thing").info("thing.made", count=3)
        (line,) = lines()
        assert (line["event"], line["count"], line["process"], line["module"], line["level"]) == (
            "thing.made",
            3,
            "room",
            "kit.thing",
            "info",
        )

    def test_an_error_is_type_and_place(self, lines):
        try:
            fail()
        except KeyError as error:
            logger("kit.thing").error("thing.failed", exc_info=error)
        (line,) = lines()
        assert line["error"] == "builtins.KeyError"
        assert line["place"].startswith("tests/unit/kit/test_telemetry.py:")
        assert line["place"].endswith(" fail")

    def test_the_error_in_hand_is_found(self, lines):
        try:
            fail()
        except KeyError:
            logger("kit.thing").exception("thing.failed")
        assert lines()[0]["error"] == "builtins.KeyError"

    def test_the_text_of_an_error_is_nowhere(self, lines, tmp_path):
        try:
            fail()
        except KeyError as error:
            logger("kit.thing").error("thing.failed", exc_info=error)
            logging.getLogger("library").exception("could not find %s", IDENTITY)
            logging.getLogger("library").warning(f"wrote to {IDENTITY}")  # noqa: G004 - as libraries do
        assert "anna" not in json.dumps(lines())

    def test_a_complaint_of_a_library_is_told_without_its_text(self, lines):
        logging.getLogger("library").warning("no %s", IDENTITY)
        (line,) = lines()
        assert (line["event"], line["library"], line["severity"]) == ("library.complained", "library", "warning")

    def test_a_value_that_is_no_fact_is_named_by_type(self, lines):
        logger("kit.thing").info("thing.made", thing=object())
        assert lines()[0]["thing"] == "builtins.object"

    def test_before_configuration_nothing_is_shown_either(self, capsys):
        structlog.reset_defaults()
        try:
            fail()
        except KeyError as error:
            logger("kit.thing").error("thing.failed", exc_info=error)
        shown = capsys.readouterr()
        assert json.loads(shown.err)["event"] == "thing.failed"
        assert "anna" not in shown.err + shown.out


class TestErrorFacts:
    def test_a_typed_error_gives_its_reason(self):
        assert error_facts(caught(UnavailableError("secret")))["reason"] == "UNAVAILABLE"

    def test_a_database_error_gives_its_state(self):
        class ViolationError(Exception):
            sqlstate = "23505"

        facts = error_facts(caught(IntegrityError("INSERT", {}, ViolationError())))
        assert facts["sqlstate"] == "23505"

    def test_a_library_error_names_our_frame(self):
        with pytest.raises(json.JSONDecodeError) as caught_one:
            json.loads("{")
        assert "test_telemetry.py" in error_facts(caught_one.value)["place"]


@pytest.fixture
def provider(tmp_path):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(JsonLinesExporter(tmp_path / "traces" / "spans.jsonl")))
    yield provider
    provider.shutdown()


class TestTraces:
    def test_spans_are_lines(self, provider, tmp_path):
        tracer = provider.get_tracer("test")
        with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner", attributes={"messages": 3}):
            pass
        inner, outer = (json.loads(line) for line in (tmp_path / "traces" / "spans.jsonl").read_text().splitlines())
        assert (inner["name"], inner["attributes"], outer["name"]) == ("inner", {"messages": 3}, "outer")
        assert (inner["trace_id"], inner["parent_span_id"]) == (outer["trace_id"], outer["span_id"])
        assert outer["start_unix_nano"] <= inner["start_unix_nano"] <= inner["end_unix_nano"]

    def test_the_parent_goes_with_the_headers(self, provider):
        headers: dict[str, str] = {}
        with provider.get_tracer("test").start_as_current_span("here") as here:
            inject(headers)
        there = trace.get_current_span(extract(headers)).get_span_context()
        assert (there.trace_id, there.span_id) == (here.get_span_context().trace_id, here.get_span_context().span_id)

    def test_what_is_not_sampled_stays_so_from_process_to_process(self):
        here = extract({"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-00"})
        headers: dict[str, str] = {}
        with span("there", parent=here) as there, span("below") as below:
            inject(headers)
            assert not there.is_recording()
            assert not below.is_recording()
        assert headers["traceparent"].endswith("-00")
        assert trace.get_current_span(extract(headers)).get_span_context().is_valid
        assert not trace.get_current_span().get_span_context().is_valid

    def test_baggage_does_not_come_in(self, provider):
        parent = extract({"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "baggage": f"user={IDENTITY}"})
        assert all(IDENTITY not in str(value) for value in parent.values())

    @pytest.mark.parametrize("headers", [{}, {"traceparent": "nonsense"}, {"traceparent": ""}])
    def test_without_parent_a_trace_begins(self, headers):
        assert not trace.get_current_span(extract(headers)).get_span_context().is_valid

    def test_what_begins_at_a_door_has_no_parent(self, provider, monkeypatch):
        monkeypatch.setattr("kit.telemetry.traces._TRACER", provider.get_tracer("test"))
        with provider.get_tracer("test").start_as_current_span("here") as here, begin("door") as door:
            assert door.parent is None
            assert door.get_span_context().trace_id != here.get_span_context().trace_id
            assert trace.get_current_span() is door

    def test_a_trace_that_is_not_kept_stays_so_below(self, provider, monkeypatch):
        monkeypatch.setattr("kit.telemetry.traces._TRACER", provider.get_tracer("test"))
        monkeypatch.setattr("kit.telemetry.traces._doors.share", 0.0)
        headers: dict[str, str] = {}
        with begin("door") as door, span("below") as below:
            inject(headers)
            assert (door.is_recording(), below.is_recording()) == (False, False)
        assert headers["traceparent"].endswith("-00")


class TestMetrics:
    def test_page_is_rendered(self):
        kind, body = render_metrics()
        assert kind.startswith("text/plain")
        assert b"# HELP" in body

import httpx
from opentelemetry import trace
from structlog.testing import capture_logs

from kit.errors import DeniedError
from kit.http import guarded


async def ask(app, path: str = "/", **options) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded(app)), base_url="http://door") as client:
        return await client.get(path, **options)


def raising(error: Exception, *before: dict):
    async def app(_scope, _receive, send):
        for message in before:
            await send(message)
        raise error

    return app


class TestRequests:
    async def test_a_refusal_is_a_problem_and_not_logged(self):
        with capture_logs() as lines:
            answer = await ask(raising(DeniedError()))
        assert (answer.status_code, lines) == (403, [])

    async def test_a_defect_is_500_and_one_line(self):
        with capture_logs() as lines:
            answer = await ask(raising(KeyError("anna")))
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
        assert len(lines) == 1

    async def test_a_defect_after_the_answer_began_is_logged(self):
        start = {"type": "http.response.start", "status": 200, "headers": []}
        body = {"type": "http.response.body", "body": b"done"}
        with capture_logs() as lines:
            answer = await ask(raising(KeyError("anna"), start, body))
        assert (answer.status_code, [line["event"] for line in lines]) == (200, ["http.failed"])

    async def test_a_trace_of_the_caller_is_not_taken_up(self):
        seen: list[int] = []

        async def app(_scope, _receive, send):
            seen.append(trace.get_current_span().get_span_context().trace_id)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        identity = "616e6e61406578616d706c652e6f7267"
        await ask(app, headers={"traceparent": f"00-{identity}-00f067aa0ba902b7-01"})
        assert seen[0] != int(identity, 16)

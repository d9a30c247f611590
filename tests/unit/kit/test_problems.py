import json

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from structlog.testing import capture_logs

from kit.errors import ExhaustedError, InternalError, InvalidArgumentError, Status, TypedError, UnavailableError
from kit.http import guarded, problem
from kit.http.rest import register_problems


class Wish(BaseModel):
    stars: int


def application() -> FastAPI:
    app = FastAPI()
    register_problems(app)

    @app.post("/wishes")
    async def wish(wish: Wish) -> int:
        if wish.stars == 1:
            raise UnavailableError("later", retry_after_s=4)
        return 7 // wish.stars

    shelf = APIRouter()
    shelf.add_api_route("/shelf", lambda: 1, methods=["GET"])
    shelf.add_api_route("/shelf", lambda: 2, methods=["PUT"])
    app.include_router(shelf)
    return app


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(guarded(application()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
        yield client


class TestProblem:
    @pytest.mark.parametrize("status", list(Status))
    def test_every_status_has_a_number_clients_bear(self, status):
        error = TypedError()
        error.status = status
        number, _, _ = problem(error)
        assert 400 <= number < 600
        # Analytics clients drop a batch on these for good.
        assert number not in (501, 505, 511)

    def test_says_what_and_where(self):
        _, headers, body = problem(InvalidArgumentError("too many", field="batch[3]", limit="100 events"))
        content = {"code": "INVALID_ARGUMENT", "message": "too many", "field": "batch[3]", "limit": "100 events"}
        assert json.loads(body) == content
        assert (b"content-type", b"application/json") in headers

    def test_is_never_without_message(self):
        assert json.loads(problem(InvalidArgumentError())[2])["message"]

    @pytest.mark.parametrize(("wait", "told"), [(0, b"1"), (30, b"30")])
    @pytest.mark.parametrize("kind", [ExhaustedError, UnavailableError])
    def test_a_wait_is_a_whole_number_of_seconds(self, kind, wait, told):
        assert (b"retry-after", told) in problem(kind(retry_after_s=wait))[1]

    def test_other_problems_need_no_wait(self):
        assert b"retry-after" not in dict(problem(InvalidArgumentError())[1])

    def test_nothing_of_a_defect_is_told(self):
        status, _, body = problem(InternalError("secret", field="secret", limit="secret"))
        assert status == 500
        assert b"secret" not in body


class TestFastApi:
    async def test_a_typed_error_is_a_problem(self, client):
        answer = await client.post("/wishes", json={"stars": 1})
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "UNAVAILABLE", "4")

    async def test_what_does_not_fit_is_named_and_not_repeated(self, client):
        answer = await client.post("/wishes", json={"stars": "anna@example.org"})
        assert (answer.status_code, answer.json()["field"]) == (400, "body.stars")
        assert "anna" not in answer.text

    async def test_a_defect_is_logged_once(self, client):
        with capture_logs() as lines:
            answer = await client.post("/wishes", json={"stars": 0})
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
        assert [line["event"] for line in lines] == ["http.failed"]

    @pytest.mark.parametrize(("method", "path", "code"), [("GET", "/wishes", 405), ("GET", "/nowhere", 404)])
    async def test_routing_answers_in_the_same_form(self, client, method, path, code):
        answer = await client.request(method, path)
        assert answer.status_code == code
        assert set(answer.json()) == {"code", "message"}

    async def test_a_405_names_every_method_of_its_path(self, client):
        answer = await client.post("/shelf")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")

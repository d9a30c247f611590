"""REST: ids end at the door, every refusal is typed, and nothing that was sent comes back in one."""

import base64
from typing import Any

import pytest

from contracts.avatar.v1 import avatar_pb2
from contracts.common.v1.subject_pb2 import PurposeDecision, Subject
from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from contracts.recommendation.v1 import recommendation_pb2
from doors.subjects import EdgeKeys
from kit.errors import Status, TypedError
from tests.integration.gateway.conftest import Gateway

PATHS = ["consent/grant", "consent/withdraw", "consent/list", "persona", "recommendations"]


class PurposeAlwaysOnError(TypedError):
    reason = "PURPOSE_ALWAYS_ON"
    status = Status.INVALID


def app(gateway: Gateway) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{gateway.keys.app}:".encode()).decode()}


def staff(gateway: Gateway) -> dict[str, str]:
    return {"Authorization": f"Bearer {gateway.keys.staff}"}


def subject(gateway: Gateway, eid: bytes) -> Subject:
    return Subject(brand="oak", audience="app:shop", eid=eid, version=1)


class TestConsent:
    async def test_grant_reaches_the_service_under_a_pseudonym(self, gateway: Gateway) -> None:
        record = consent_pb2.ConsentRecord(record_id="r", purpose="collect.behaviour", state="given", sequence=7)
        gateway.services.answers["Grant"] = profile_pb2.GrantResponse(records=[record])
        body = {"userId": "planted-75317531", "purposes": ["collect.behaviour"], "stated_at_ms": 5, "language": "de"}
        answer = await gateway.http.post("/v1/consent/grant", json=body, headers=app(gateway))
        assert answer.json()["records"][0]["state"] == "given"
        (asked,) = gateway.services.asked
        assert asked.subject == subject(gateway, EdgeKeys(gateway.keyring).of("app:shop").user("planted-75317531"))
        assert list(asked.purposes) == ["collect.behaviour"]
        assert (asked.statement.method, asked.statement.stated_at_ms, asked.statement.language) == ("rest", 5, "de")
        assert b"75317531" not in asked.SerializeToString()

    async def test_withdrawing_nothing_in_particular_means_everything(self, gateway: Gateway) -> None:
        answer = await gateway.http.post("/v1/consent/withdraw", json={"anonymousId": "x"}, headers=app(gateway))
        assert answer.status_code == 200
        (asked,) = gateway.services.asked
        assert asked.subject.eid == EdgeKeys(gateway.keyring).of("app:shop").anonymous("x")
        assert list(asked.purposes) == []

    async def test_statement_from_the_future_is_made_now(self, gateway: Gateway) -> None:
        body = {"userId": "u", "purposes": ["collect.behaviour"], "stated_at_ms": 1 << 50}
        await gateway.http.post("/v1/consent/grant", json=body, headers=app(gateway))
        assert gateway.services.asked[0].statement.stated_at_ms < 1 << 42

    async def test_consents_are_listed(self, gateway: Gateway) -> None:
        record = consent_pb2.ConsentRecord(purpose="offer.brand", state="never_asked")
        gateway.services.answers["ListConsents"] = profile_pb2.ListConsentsResponse(records=[record])
        answer = await gateway.http.post("/v1/consent/list", json={"userId": "u"}, headers=app(gateway))
        assert answer.json()["records"][0]["purpose"] == "offer.brand"

    async def test_refusal_of_the_service_reaches_the_caller_as_it_is(self, gateway: Gateway) -> None:
        gateway.services.answers["Withdraw"] = PurposeAlwaysOnError("cannot be withdrawn", field="purposes")
        answer = await gateway.http.post(
            "/v1/consent/withdraw", json={"userId": "u", "purposes": ["core.service"]}, headers=app(gateway)
        )
        assert answer.status_code == 400
        assert (answer.json()["code"], answer.json()["field"]) == ("PURPOSE_ALWAYS_ON", "purposes")


class TestPersona:
    async def test_view_is_told_with_its_decision(self, gateway: Gateway) -> None:
        gateway.services.answers["ReadView"] = profile_pb2.ReadViewResponse(
            view=profile_pb2.View(
                handle="1.ab",
                likes=["drama"],
                wishes=[profile_pb2.Wish(ref="a1", evidence=["asked"])],
                kinds=[profile_pb2.KindCount(kind="bought", at_least=4)],
            ),
            decisions=[PurposeDecision(purpose="personalise.world", is_allowed=True, reason="GRANTED")],
            behind=[profile_pb2.Lag(partition=3, messages=2, complete_until_ms=1_750_000_000_000)],
        )
        body = {"userId": "u", "min_positions": [{"partition": 3, "sequence": 12}], "may_be_stale": True}
        answer = (await gateway.http.post("/v1/persona", json=body, headers=app(gateway))).json()
        assert answer["view"]["handle"] == "1.ab"
        assert answer["view"]["wishes"] == [{"ref": "a1", "evidence": ["asked"]}]
        assert answer["view"]["kinds"] == {"bought": 4}
        assert answer["decisions"][0]["is_allowed"] is True
        assert answer["behind"] == [
            {"partition": 3, "durability_class": 2, "messages": 2, "complete_until_ms": 1_750_000_000_000}
        ]
        (asked,) = gateway.services.asked
        assert asked.purpose == "personalise.world"
        assert [(each.partition, each.sequence, each.durability_class) for each in asked.min_positions] == [(3, 12, 2)]
        assert asked.may_be_stale

    async def test_denied_view_is_empty_with_the_reason(self, gateway: Gateway) -> None:
        denied = PurposeDecision(purpose="personalise.world", reason="NEVER_ASKED")
        gateway.services.answers["ReadView"] = profile_pb2.ReadViewResponse(decisions=[denied])
        answer = await gateway.http.post("/v1/persona", json={"userId": "u"}, headers=app(gateway))
        assert answer.status_code == 200
        assert answer.json()["view"] is None
        assert answer.json()["decisions"][0]["reason"] == "NEVER_ASKED"

    async def test_recommendations_have_titles_and_reasons(self, gateway: Gateway) -> None:
        reason = recommendation_pb2.Reason(kind="because_of_item", ref="b2", share=0.5)
        gateway.services.answers["Recommend"] = recommendation_pb2.RecommendResponse(
            offers=[recommendation_pb2.Offer(item="a1", score=2.0, reasons=[reason])], model_version=3
        )
        gateway.services.answers["ListItems"] = avatar_pb2.ListItemsResponse(
            items=[avatar_pb2.Item(item="a1", title="Oak chair"), avatar_pb2.Item(item="b2", title="Oak table")]
        )
        body = {"userId": "u", "count": 3, "exclude": ["c3"]}
        answer = (await gateway.http.post("/v1/recommendations", json=body, headers=app(gateway))).json()
        assert answer["offers"][0]["title"] == "Oak chair"
        assert answer["offers"][0]["reasons"][0]["title"] == "Oak table"
        ranked, listed = gateway.services.asked
        assert (ranked.count, list(ranked.exclude), ranked.subject.audience) == (3, ["c3"], "app:shop")
        assert list(listed.ids) == ["a1", "b2"]

    async def test_silence_has_a_reason(self, gateway: Gateway) -> None:
        gateway.services.answers["Recommend"] = recommendation_pb2.RecommendResponse(abstained="DENIED")
        answer = await gateway.http.post("/v1/recommendations", json={"userId": "u"}, headers=app(gateway))
        assert (answer.json()["offers"], answer.json()["abstained"]) == ([], "DENIED")


class TestStaff:
    async def test_catalogue_is_put(self, gateway: Gateway) -> None:
        items = [{"item": "a1", "title": "Oak chair", "topics": ["furniture"], "price": "€ 90"}]
        answer = await gateway.http.put("/v1/catalogue/items", json={"items": items}, headers=staff(gateway))
        assert answer.json() == {"items": 1}
        (asked,) = gateway.services.asked
        assert (asked.brand, asked.items[0].title) == ("oak", "Oak chair")

    async def test_books_are_read(self, gateway: Gateway) -> None:
        line = profile_pb2.BooksLine(source="app:shop", received=3, stored=2, duplicate=1)
        gateway.services.answers["GetBooks"] = profile_pb2.GetBooksResponse(lines=[line])
        answer = await gateway.http.get("/v1/books", params={"from_ms": 5}, headers=staff(gateway))
        assert answer.json()["lines"][0]["stored"] == 2
        assert gateway.services.asked[0].from_ms == 5


class TestRefusals:
    @pytest.mark.parametrize(
        "path", ["consent/grant", "consent/withdraw", "consent/list", "persona", "recommendations"]
    )
    async def test_key_for_events_reads_nobody(self, gateway: Gateway, path: str) -> None:
        body = {"userId": "u", **({"purposes": ["collect.behaviour"]} if path.startswith("consent/g") else {})}
        for key, status in ((gateway.keys.write, 403), (gateway.keys.staff, 401), ("x", 401)):
            headers = {"Authorization": f"Bearer {key}"}
            answer = await gateway.http.post(f"/v1/{path}", json=body, headers=headers)
            assert answer.status_code == status
            assert {"code", "message"} <= answer.json().keys()
        assert gateway.services.asked == []

    async def test_app_key_is_no_staff_key(self, gateway: Gateway) -> None:
        assert (await gateway.http.get("/v1/books", headers=app(gateway))).status_code == 401

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"userId": "planted-75317531", "anonymousId": "planted-75317531"},
            {"userId": ""},
            {"userId": "planted-75317531" * 100},
            {"userId": {"planted-75317531": 1}},
            {"userId": "u", "planted-75317531": 1},
            {"userId": "u", "purpose": "planted-75317531"},
            {"userId": "u", "min_positions": [{"partition": 64, "sequence": 1}]},
            ["planted-75317531"],
        ],
    )
    async def test_misfit_is_typed_and_never_repeats_what_was_sent(self, gateway: Gateway, body: Any) -> None:
        answer = await gateway.http.post("/v1/persona", json=body, headers=app(gateway))
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
        assert "75317531" not in answer.text
        assert gateway.services.asked == []

    async def test_body_that_is_no_json_is_typed(self, gateway: Gateway) -> None:
        for content in (b"", b"{", b"\xff", b"[" * 100_000, b'{"userId": "\\ud800"}'):
            answer = await gateway.http.post(
                "/v1/persona", content=content, headers={**app(gateway), "content-type": "application/json"}
            )
            assert answer.status_code == 400
            assert answer.json()["code"] == "INVALID_ARGUMENT"

    async def test_service_that_is_away_is_503(self, gateway: Gateway) -> None:
        gateway.services.answers["GetBooks"] = UnavailableServiceError("away", retry_after_s=2)
        answer = await gateway.http.get("/v1/books", headers=staff(gateway))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


class UnavailableServiceError(TypedError):
    reason = "AWAY"
    status = Status.UNAVAILABLE


class TestDescription:
    async def test_every_endpoint_is_described(self, gateway: Gateway) -> None:
        described = (await gateway.http.get("/openapi.json")).json()
        assert {"/v1/consent/grant", "/v1/persona", "/v1/recommendations", "/v1/books"} <= described["paths"].keys()
        for methods in described["paths"].values():
            for operation in methods.values():
                assert operation["operationId"]
                assert operation["description"]

    async def test_health_says_what_is_needed(self, gateway: Gateway) -> None:
        assert (await gateway.http.get("/v1/health")).json() == {"ready": True, "checks": {"stream": "ok"}}


class TestCatalogue:
    @pytest.mark.parametrize("field", ["title", "price", "place"])
    async def test_control_characters_are_refused_by_name(self, gateway: Gateway, field: str) -> None:
        items = [{"item": "a1", "title": "Oak chair", field: "a\0b"}]
        answer = await gateway.http.put("/v1/catalogue/items", json={"items": items}, headers=staff(gateway))
        assert (answer.status_code, answer.json()["field"]) == (400, f"body.items.0.{field}")
        assert gateway.services.asked == []

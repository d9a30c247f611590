"""How the door answers SDKs: a wrong status makes one of them send everything again, or throw everything away."""

import json
from typing import Any

import pytest

from doors.subjects import EdgeKeys
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_contract import ORIGIN, SETTINGS, SOURCE_CONFIG, viewed


class TestAnswering:
    async def test_success_is_200_whatever_became_of_the_events(self, gateway: Gateway) -> None:
        for events in ([], [viewed()], [viewed(event="nobody knows this")], [viewed(), 7]):
            answer = await gateway.track(*events)
            assert (answer.status_code, answer.json()["success"]) == (200, True)

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE", "BREW"])
    async def test_no_method_makes_a_client_drop_its_batch(self, gateway: Gateway, method: str) -> None:
        answer = await gateway.http.request(method, "/v1/batch")
        assert answer.status_code in {404, 405}

    @pytest.mark.parametrize(
        ("path", "status"), [("/v1/batch", 401), ("/v1/t", 401), (SETTINGS, 401), (SOURCE_CONFIG, 401), ("/no", 404)]
    )
    async def test_refusal_is_an_object_with_code_and_message(self, gateway: Gateway, path: str, status: int) -> None:
        method = "GET" if path in {SETTINGS, SOURCE_CONFIG} else "POST"
        answer = await gateway.http.request(
            method, path.format(key="WK"), content=json.dumps({"batch": []}), headers=ORIGIN
        )
        assert answer.status_code == status
        assert all(isinstance(answer.json()[name], str) for name in ("code", "message"))
        assert answer.headers["content-type"] == "application/json"

    async def test_browser_may_read_answers_and_refusals_and_gets_no_cookie(self, gateway: Gateway) -> None:
        for body in ({"batch": [], "writeKey": gateway.keys.write}, {"batch": []}):
            answer = await gateway.http.post("/v1/batch", json=body, headers=ORIGIN)
            assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
            assert answer.headers["access-control-expose-headers"] == "Retry-After"
            assert not {"set-cookie", "access-control-allow-credentials"} & answer.headers.keys()

    async def test_copy_keeps_its_message_id_so_that_it_can_be_told(self, gateway: Gateway) -> None:
        event = viewed()
        for retried in ({}, {"X-Retry-Count": "3"}, {"Rsa-Retry-Attempt": "1"}):
            body = {"batch": [event], "writeKey": gateway.keys.write}
            assert (await gateway.http.post("/v1/batch", json=body, headers=retried)).status_code == 200
        assert len({each.mid for each in await gateway.interactions()}) == 1


class TestPrivacy:
    async def test_message_id_is_a_keyed_hash(self, gateway: Gateway) -> None:
        await gateway.track(viewed(messageId="m1"))
        (interaction,) = await gateway.interactions()
        assert interaction.mid == EdgeKeys(gateway.keyring).of("app:shop").message("m1")
        assert interaction.mid != EdgeKeys(gateway.keyring).of("app:forum").message("m1")

    async def test_nothing_that_identifies_reaches_a_disk(self, gateway: Gateway, nats_server: Any) -> None:
        planted = {
            name: f"planted-{name}-75317531"
            for name in ("ip", "userAgent", "locale", "timezone", "url", "search", "referrer", "advertisingId", "name")
        }
        context = {
            **planted,
            "page": {**planted, "path": "/planted-75317531", "title": "planted 75317531"},
            "campaign": {"name": "planted-75317531", "source": "planted-75317531"},
            "device": {"id": "planted-75317531", **planted},
            "traits": {
                "email": "75317531@example.com",
                "phone": "+49 75317531",
                "address": {"street": "planted 75317531"},
            },
        }
        properties = {"product_id": "a1", **planted, "note": "I am planted, call 75317531"}
        ids = {"userId": "planted-75317531", "anonymousId": "planted-a-75317531", "messageId": "planted-m-75317531"}
        for type_ in ("track", "identify", "page", "screen", "group", "alias"):
            event = {
                **viewed(),
                **ids,
                "type": type_,
                "groupId": "planted-g-75317531",
                "previousId": "planted-p-75317531",
            }
            event |= {
                "context": context,
                "properties": properties,
                "traits": context["traits"],
                "name": "planted 75317531",
            }
            assert (await gateway.track(event)).json()["quarantined"] == 0
        files = [path for path in nats_server.folder.rglob("*") if path.is_file()]
        assert any(b"interaction.v1.received" in path.read_bytes() for path in files)
        assert not any(b"75317531" in path.read_bytes() for path in files)
        for interaction in await gateway.interactions():
            assert "75317531" not in repr(interaction)

    async def test_global_privacy_control_is_honoured(self, gateway: Gateway) -> None:
        body = {"batch": [viewed()], "writeKey": gateway.keys.write}
        for signal in ("1", "0"):
            await gateway.http.post("/v1/batch", json=body, headers={"Sec-GPC": signal})
        withdrawn = sorted(each.withdrawn for each in await gateway.interactions())
        assert withdrawn == [(), ("offer.brand", "link.cross_world", "share.brand_profile")]

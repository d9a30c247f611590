"""The tracking API row by row: what the door promises to SDKs that were never told about it."""

import base64
import gzip
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from doors.subjects import EdgeKeys
from gateway.app import RECORDS
from gateway.domain import MAX_BODY_BYTES, MAX_EVENT_BYTES
from tests.integration.gateway.conftest import Gateway

CAPTURES = Path(__file__).parents[2] / "data" / "sdk_captures.jsonl"
ORIGIN = {"Origin": "https://shop.example"}
BATCHES = [path for path, type_ in RECORDS.items() if type_ is None]
SINGLES = [path for path, type_ in RECORDS.items() if type_ is not None]
SETTINGS = "/v1/projects/{key}/settings"
SOURCE_CONFIG = "/sourceConfig/"


def viewed(**fields: Any) -> dict[str, Any]:
    event = {"type": "track", "event": "Product Viewed", "userId": "u1", "messageId": uuid.uuid4().hex}
    return {**event, "properties": {"product_id": "a1"}, **fields}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


class TestEndpoints:
    def test_are_those_of_the_table(self) -> None:
        assert set(BATCHES) == {"/v1/batch", "/v1/b", "/beacon/v1/batch"}
        names = ("track", "identify", "page", "screen", "group", "alias")
        assert set(SINGLES) == {f"/v1/{name}" for name in names} | {f"/v1/{name[0]}" for name in names}

    @pytest.mark.parametrize("path", BATCHES)
    async def test_batch_is_taken(self, gateway: Gateway, path: str) -> None:
        body = {"batch": [viewed(), viewed()], "sentAt": "2026-11-22T11:25:00Z"}
        answer = await gateway.http.post(path, json=body, params={"writeKey": gateway.keys.write})
        assert (answer.status_code, answer.json()["success"], answer.json()["received"]) == (200, True, 2)
        assert len(await gateway.interactions()) == 2

    @pytest.mark.parametrize("path", SINGLES)
    async def test_type_comes_from_the_path_when_the_event_has_none(self, gateway: Gateway, path: str) -> None:
        event = {"userId": "u1", "anonymousId": "x", "event": "seen", "groupId": "g", "writeKey": gateway.keys.write}
        answer = await gateway.http.post(path, json=event)
        assert (answer.status_code, answer.json()["success"], answer.json()["quarantined"]) == (200, True, 0)

    async def test_type_in_the_body_counts_before_the_path(self, gateway: Gateway) -> None:
        bought = viewed(event="Order Completed", writeKey=gateway.keys.write)
        assert (await gateway.http.post("/v1/p", json=bought)).status_code == 200
        viewed_alone = await gateway.http.post("/v1/t", json=viewed(writeKey=gateway.keys.write))
        assert viewed_alone.status_code == 200
        first, second = await gateway.interactions()
        assert first.kind != second.kind

    async def test_beacon_needs_no_header(self, gateway: Gateway) -> None:
        content = json.dumps({"batch": [viewed()], "sentAt": "2026-11-22T11:25:00Z"})
        answer = await gateway.http.post(
            f"/beacon/v1/batch?writeKey={gateway.keys.write}", content=content, headers={"Content-Type": "text/plain"}
        )
        assert answer.status_code == 200

    async def test_settings_let_segments_browser_sdk_start(self, gateway: Gateway) -> None:
        key = gateway.keys.write
        answer = await gateway.http.get(SETTINGS.format(key=key), headers=ORIGIN)
        assert answer.json() == {"integrations": {"Segment.io": {"apiKey": key}}}
        assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
        assert (await gateway.http.get(SETTINGS.format(key="WK"))).status_code == 401

    @pytest.mark.parametrize("path", [SOURCE_CONFIG, "/sourceConfig"])
    async def test_source_config_lets_rudderstacks_browser_sdk_start(self, gateway: Gateway, path: str) -> None:
        key, about = gateway.keys.write, {"p": "npm", "v": "3.34.1", "build": "modern"}
        for form in ({"params": {**about, "writeKey": key}}, {"params": about, "headers": basic(f"{key}:")}):
            answer = await gateway.http.get(path, **form)
            source = answer.json()["source"]
            assert (source["enabled"], source["config"], source["destinations"]) == (True, {}, [])
            assert source["id"]
        assert (await gateway.http.get(path, params={"writeKey": "WK"})).status_code == 401

    async def test_metrics_of_clients_are_thrown_away(self, gateway: Gateway) -> None:
        assert (await gateway.http.post("/v1/m", content=b"anything")).status_code == 200
        assert await gateway.envelopes() == []

    @pytest.mark.parametrize("path", [*RECORDS, "/v1/m", SETTINGS, SOURCE_CONFIG])
    async def test_preflight_is_answered_for_all_of_them(self, gateway: Gateway, path: str) -> None:
        asked = {**ORIGIN, "Access-Control-Request-Headers": "anonymousid,sentat,x-retry-count,rsa-retry-reason"}
        answer = await gateway.http.options(path.format(key="x"), headers=asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == ORIGIN["Origin"]
        assert answer.headers["access-control-allow-headers"] == asked["Access-Control-Request-Headers"]
        assert answer.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
        assert answer.headers["access-control-max-age"] == "86400"


class TestWhoIsCalling:
    def forms(self, key: str) -> list[dict[str, Any]]:
        return [
            {"headers": basic(f"{key}:")},
            {"headers": basic(key)},
            {"headers": {"Authorization": f"Bearer {key}"}},
            {"params": {"writeKey": key}},
        ]

    async def test_every_form_opens(self, gateway: Gateway) -> None:
        for form in self.forms(gateway.keys.write):
            assert (await gateway.http.post("/v1/batch", json={"batch": [viewed()]}, **form)).status_code == 200
        assert (await gateway.http.post("/v1/track", json=viewed(writeKey=gateway.keys.write))).status_code == 200
        assert len(await gateway.interactions()) == 5

    async def test_wrong_key_opens_nothing(self, gateway: Gateway) -> None:
        for form in [*self.forms("WK"), *self.forms(gateway.keys.world), *self.forms(gateway.keys.staff), {}]:
            answer = await gateway.http.post("/v1/batch", json={"batch": [viewed()]}, **form)
            assert answer.status_code == 401
            assert {"code", "message"} <= answer.json().keys()
        assert await gateway.envelopes() == []

    async def test_keys_that_disagree_are_refused(self, gateway: Gateway) -> None:
        for form in self.forms(gateway.keys.app):
            answer = await gateway.http.post("/v1/batch", json={"batch": [], "writeKey": gateway.keys.write}, **form)
            assert (answer.status_code, answer.json()["code"]) == (401, "WRITE_KEYS_DISAGREE")

    @pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic w7w=", "Digest x", "Bearer"])
    async def test_malformed_header_is_unauthenticated(self, gateway: Gateway, header: str) -> None:
        answer = await gateway.http.post("/v1/batch", json={"batch": []}, headers={"Authorization": header})
        assert answer.status_code == 401


class TestReading:
    async def test_captured_requests_of_all_six_clients_are_taken(self, gateway: Gateway) -> None:
        received = 0
        for line in CAPTURES.read_text().splitlines():
            capture = json.loads(line)
            if capture.get("m") != "POST":
                continue
            sent = {name.lower(): value for name, value in capture["headers"]}
            headers = {name: sent[name] for name in ("content-type", "content-encoding") if name in sent}
            body = capture["body"].replace('"WK"', f'"{gateway.keys.write}"').encode()
            if "content-encoding" in headers:
                body = gzip.compress(body)
            if "authorization" in sent:
                headers |= basic(f"{gateway.keys.write}:")
            answer = await gateway.http.post(
                capture["path"].replace("WK", gateway.keys.write), content=body, headers=headers
            )
            assert answer.status_code == 200, (capture["path"], answer.text)
            assert answer.json()["success"] is True
            received += answer.json()["received"]
        counted = sum(count.received for envelope in await gateway.envelopes() for count in envelope.counts)
        assert received == counted > 40

    @pytest.mark.parametrize("coding", ["gzip", ""])
    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json;charset=UTF-8", "nonsense", ""]
    )
    async def test_content_type_decides_nothing(self, gateway: Gateway, kind: str, coding: str) -> None:
        body = json.dumps({"batch": [viewed()], "writeKey": gateway.keys.write}).encode()
        headers = {name: value for name, value in (("Content-Type", kind), ("Content-Encoding", coding)) if value}
        answer = await gateway.http.post("/v1/batch", content=gzip.compress(body) if coding else body, headers=headers)
        assert answer.status_code == 200

    @pytest.mark.parametrize("coding", ["gzip", ""])
    async def test_a_mebibyte_is_taken_and_no_byte_more(self, gateway: Gateway, coding: str) -> None:
        body = json.dumps({"batch": [viewed()], "writeKey": gateway.keys.write}).encode()
        for size, status in ((MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)):
            content = body.ljust(size)
            answer = await gateway.http.post(
                "/v1/batch",
                content=gzip.compress(content) if coding else content,
                headers={"Content-Encoding": coding} if coding else {},
            )
            assert answer.status_code == status
        assert MAX_BODY_BYTES == 1 << 20

    async def test_an_event_may_have_32_kib(self, gateway: Gateway) -> None:
        for size, quarantined in ((MAX_EVENT_BYTES, 0), (MAX_EVENT_BYTES + 1, 1)):
            rest = len(json.dumps(viewed(note="")))
            event = json.dumps(viewed(note="x" * (size - rest)))
            content = b'{"batch": [%b], "writeKey": "%b"}' % (event.encode(), gateway.keys.write.encode())
            answer = await gateway.http.post("/v1/batch", content=content)
            assert (len(event), answer.json()["quarantined"]) == (size, quarantined)
        assert MAX_EVENT_BYTES == 32 << 10

    async def test_context_of_the_batch_counts_for_its_events(self, gateway: Gateway) -> None:
        shared = {"consent": {"categoryPreferences": {"collect.behaviour": True}}, "library": {"name": "analytics.js"}}
        await gateway.track(viewed(), context=shared)
        (interaction,) = await gateway.interactions()
        assert (interaction.granted, interaction.channel) == (("collect.behaviour",), "web")

    @pytest.mark.parametrize("user", [None, ""])
    async def test_empty_id_is_none(self, gateway: Gateway, user: str | None) -> None:
        await gateway.track(viewed(userId=user, anonymousId="x"))
        (interaction,) = await gateway.interactions()
        assert interaction.eid == EdgeKeys(gateway.keyring).of("app:shop").anonymous("x")

    async def test_number_is_an_id(self, gateway: Gateway) -> None:
        await gateway.track(viewed(userId=12))
        (interaction,) = await gateway.interactions()
        assert interaction.eid == EdgeKeys(gateway.keyring).of("app:shop").user("12")

    async def test_wrong_clock_of_a_client_is_corrected(self, gateway: Gateway) -> None:
        # An hour behind what it calls its sending time: what it calls an hour ago is now, less the time between.
        await gateway.track(viewed(originalTimestamp="2020-01-01T11:00:00Z"), sentAt="2020-01-01T12:00:00Z")
        (interaction,) = await gateway.interactions()
        (envelope,) = await gateway.envelopes()
        assert abs(envelope.sealed_at_ms - 3_600_000 - interaction.at_ms) < 10_000

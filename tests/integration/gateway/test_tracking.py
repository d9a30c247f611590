"""The tracking API on real HTTP: acknowledged is on the stream, and whatever clients send gets a typed answer."""

import asyncio
import base64
import gzip
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from doors.stream import STREAM
from doors.subjects import EdgeKeys, partition_of
from tests.integration.gateway.conftest import Gateway

CAPTURES = Path(__file__).parents[2] / "data" / "sdk_captures.jsonl"


def viewed(user: str = "u1", **fields: Any) -> dict[str, Any]:
    event = {"type": "track", "event": "Product Viewed", "userId": user, "messageId": uuid.uuid4().hex}
    return {**event, "properties": {"product_id": "a1"}, **fields}


class TestAcknowledgement:
    async def test_names_positions_that_hold_the_events(self, gateway: Gateway) -> None:
        events = [viewed(f"u{number}") for number in range(40)]
        answer = await gateway.track(*events)
        assert answer.status_code == 200
        told = answer.json()
        assert told["success"] is True
        assert (told["received"], told["quarantined"], told["durability_class"]) == (40, 0, 2)
        stream = gateway.nats.jetstream()
        for position in told["positions"]:
            message = await stream.get_msg(STREAM, position["sequence"])
            assert message.subject == f"interaction.v1.received.oak.{position['partition']}"
        keys = EdgeKeys(gateway.keyring).of("app:shop")
        assert {each.mid for each in await gateway.interactions()} == {
            keys.message(event["messageId"]) for event in events
        }

    async def test_every_event_is_in_the_partition_of_its_visitor_and_counted(self, gateway: Gateway) -> None:
        await gateway.track(*(viewed(f"u{number}") for number in range(40)), viewed("", anonymousId=""))
        received = 0
        for envelope in await gateway.envelopes():
            content = gateway.opened(envelope)
            assert {partition_of(each.eid, 4) for each in content.interactions} <= {envelope.partition}
            assert [count.source for count in envelope.counts] == ["app:shop"]
            assert envelope.counts[0].received == len(content.interactions) + len(content.quarantined)
            assert envelope.pack_version.startswith("segment-ecommerce/")
            received += envelope.counts[0].received
        assert received == 41

    async def test_concurrent_requests_share_batches(self, gateway: Gateway) -> None:
        answers = await asyncio.gather(*(gateway.track(viewed()) for _ in range(40)))
        assert all(answer.status_code == 200 for answer in answers)
        assert len(await gateway.interactions()) == 40
        assert len(await gateway.envelopes()) < 40

    async def test_large_request_is_split_into_envelopes_below_the_bound(self, gateway: Gateway) -> None:
        answer = await gateway.track(*({"type": "page", "userId": "u1"} for _ in range(20_000)))
        assert answer.json()["received"] == 20_000
        envelopes = await gateway.envelopes()
        assert len(envelopes) > 1
        assert max(envelope.ByteSize() for envelope in envelopes) <= 256 << 10
        assert sum(envelope.counts[0].received for envelope in envelopes) == 20_000

    async def test_empty_batch_is_fine(self, gateway: Gateway) -> None:
        assert (await gateway.track()).json()["positions"] == []

    async def test_raw_ids_reach_no_disk(self, gateway: Gateway, nats_server: Any) -> None:
        planted = {
            "userId": "planted-user-7531",
            "anonymousId": "planted-anonymous-7531",
            "messageId": "planted-message-7531",
            "context": {"ip": "planted-ip-7531", "traits": {"email": "planted-7531@example.com"}},
        }
        await gateway.track(viewed(**planted), {**planted, "type": "identify", "traits": {"name": "planted-name-7531"}})
        assert len(await gateway.interactions()) == 2
        files = [path for path in nats_server.folder.rglob("*") if path.is_file()]
        assert any(b"interaction.v1.received" in path.read_bytes() for path in files)
        assert not any(b"7531" in path.read_bytes() for path in files)


class TestAuthentication:
    def forms(self, key: str) -> list[dict[str, Any]]:
        basic, bare = (base64.b64encode(text.encode()).decode() for text in (f"{key}:", key))
        return [
            {"headers": {"Authorization": f"Basic {basic}"}},
            {"headers": {"Authorization": f"Basic {bare}"}},
            {"headers": {"Authorization": f"Bearer {key}"}},
            {"params": {"writeKey": key}},
        ]

    async def test_every_form_opens(self, gateway: Gateway) -> None:
        for form in self.forms(gateway.keys.write):
            assert (await gateway.http.post("/v1/batch", json={"batch": [viewed()]}, **form)).status_code == 200
        single = {**viewed(), "writeKey": gateway.keys.write}
        assert (await gateway.http.post("/v1/track", json=single)).status_code == 200
        assert len(await gateway.interactions()) == 5

    async def test_wrong_key_opens_nothing(self, gateway: Gateway) -> None:
        for form in [*self.forms("WK"), *self.forms(gateway.keys.world), *self.forms(gateway.keys.staff), {}]:
            answer = await gateway.http.post("/v1/batch", json={"batch": [viewed()]}, **form)
            assert answer.status_code == 401
            assert {"code", "message"} <= answer.json().keys()
        assert await gateway.envelopes() == []

    async def test_keys_that_disagree_are_refused(self, gateway: Gateway) -> None:
        answer = await gateway.http.post(
            "/v1/batch", json={"batch": [], "writeKey": gateway.keys.write}, **self.forms(gateway.keys.app)[0]
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "WRITE_KEYS_DISAGREE")

    @pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic w7w=", "Digest x", "Bearer"])
    async def test_malformed_header_is_unauthenticated(self, gateway: Gateway, header: str) -> None:
        answer = await gateway.http.post("/v1/batch", json={"batch": []}, headers={"Authorization": header})
        assert answer.status_code == 401


class TestClients:
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
                headers["authorization"] = "Basic " + base64.b64encode(f"{gateway.keys.write}:".encode()).decode()
            answer = await gateway.http.post(
                capture["path"].replace("WK", gateway.keys.write), content=body, headers=headers
            )
            assert answer.status_code == 200, (capture["path"], answer.text)
            assert answer.json()["success"] is True
            received += answer.json()["received"]
        counted = sum(count.received for envelope in await gateway.envelopes() for count in envelope.counts)
        assert received == counted > 40

    @pytest.mark.parametrize(
        "path", ["/v1/track", "/v1/t", "/v1/identify", "/v1/i", "/v1/p", "/v1/s", "/v1/g", "/v1/a", "/v1/screen"]
    )
    async def test_type_comes_from_the_path_when_the_event_has_none(self, gateway: Gateway, path: str) -> None:
        event = {"userId": "u1", "anonymousId": "x", "event": "seen", "groupId": "g", "writeKey": gateway.keys.write}
        answer = await gateway.http.post(path, json=event)
        assert (answer.status_code, answer.json()["quarantined"]) == (200, 0)

    async def test_settings_let_the_browser_library_start(self, gateway: Gateway) -> None:
        key = gateway.keys.write
        answer = await gateway.http.get(f"/v1/projects/{key}/settings", headers={"Origin": "https://shop.example"})
        assert answer.json()["integrations"]["Segment.io"]["apiKey"] == key
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        assert (await gateway.http.get("/v1/projects/WK/settings")).status_code == 401

    async def test_preflight_allows_what_is_asked(self, gateway: Gateway) -> None:
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Headers": "anonymousid,rsa-retry-reason"}
        for path in ("/v1/batch", "/v1/t", "/v1/m", "/v1/projects/x/settings"):
            answer = await gateway.http.options(path, headers=asked)
            assert answer.status_code == 204
            assert answer.headers["access-control-allow-origin"] == "https://shop.example"
            assert answer.headers["access-control-allow-headers"] == asked["Access-Control-Request-Headers"]
            assert answer.headers["access-control-max-age"] == "86400"

    async def test_browser_may_read_answers_and_refusals(self, gateway: Gateway) -> None:
        for body in ({"batch": [], "writeKey": gateway.keys.write}, {"batch": []}):
            answer = await gateway.http.post("/v1/batch", json=body, headers={"Origin": "https://shop.example"})
            assert answer.headers["access-control-allow-origin"] == "https://shop.example"
            assert answer.headers["access-control-expose-headers"] == "Retry-After"

    async def test_metrics_of_clients_are_thrown_away(self, gateway: Gateway) -> None:
        assert (await gateway.http.post("/v1/m", content=b"anything")).status_code == 200
        assert await gateway.envelopes() == []

    async def test_global_privacy_control_is_honoured(self, gateway: Gateway) -> None:
        body = {"batch": [viewed()], "writeKey": gateway.keys.write}
        for signal in ("1", "0"):
            await gateway.http.post("/v1/batch", json=body, headers={"Sec-GPC": signal})
        withdrawn = sorted(each.withdrawn for each in await gateway.interactions())
        assert withdrawn == [(), ("share.brand_profile", "link.cross_world")]


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "BAD_JSON"),
            (b"{", "BAD_JSON"),
            (b"[]", "BAD_JSON"),
            (b"null", "BAD_JSON"),
            (b'{"batch": {}}', "BAD_JSON"),
            (b'{"sentAt": "x"}', "BAD_JSON"),
            (b'{"batch": [' + b"[" * 200_000 + b"]" * 200_000 + b"]}", "BAD_JSON"),
            (b"\xff\xfe", "BAD_JSON"),
            (b'{"batch": [], "context": 5}', "BAD_JSON"),
        ],
    )
    async def test_bad_json_is_typed(self, gateway: Gateway, body: bytes, code: str) -> None:
        for path in ("/v1/batch", "/v1/track"):
            answer = await gateway.http.post(path, content=body, params={"writeKey": gateway.keys.write})
            assert answer.status_code == 400 or path == "/v1/track"
            assert answer.status_code < 500
            assert answer.status_code == 200 or answer.json()["code"] == code

    async def test_body_above_the_bound_names_it(self, gateway: Gateway) -> None:
        answer = await gateway.http.post("/v1/batch", content=b" " * (1 << 20) + b"{}")
        assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")
        assert answer.json()["limit"] == "1048576 bytes"

    async def test_gzip_bomb_is_refused(self, gateway: Gateway) -> None:
        answer = await gateway.http.post(
            "/v1/batch", content=gzip.compress(b" " * (200 << 20)), headers={"Content-Encoding": "gzip"}
        )
        assert answer.status_code == 413

    @pytest.mark.parametrize(("coding", "body"), [("gzip", b"{}"), ("gzip", gzip.compress(b"{}")[:-3]), ("br", b"{}")])
    async def test_broken_coding_is_typed(self, gateway: Gateway, coding: str, body: bytes) -> None:
        answer = await gateway.http.post("/v1/batch", content=body, headers={"Content-Encoding": coding})
        assert (answer.status_code, answer.json()["code"]) == (400, "BAD_ENCODING")

    @pytest.mark.parametrize(
        "bad",
        [
            b"7",
            b'{"userId": {}}',
            b'{"type": "track", "event": "nobody knows this", "userId": "u"}',
            b'{"type": "page"}',
            b'{"type": "page", "userId": "\\ud800"}',
            b'{"type": "page", "userId": "u", "note": "' + b"x" * (33 << 10) + b'"}',
            b'{"type": "track", "event": "seen", "userId": "u", "properties": {"product_id": "ann@example.com"}}',
        ],
    )
    async def test_one_bad_event_is_bad_alone(self, gateway: Gateway, bad: bytes) -> None:
        good = json.dumps(viewed()).encode()
        body = b'{"batch": [%b, %b, %b], "writeKey": "%b"}' % (good, bad, good, gateway.keys.write.encode())
        answer = await gateway.http.post("/v1/batch", content=body)
        assert (answer.status_code, answer.json()["received"], answer.json()["quarantined"]) == (200, 3, 1)
        assert len(await gateway.interactions()) == 2
        assert len(await gateway.quarantined()) == 1
        assert b"ann@example.com" not in answer.content

    async def test_not_a_number_is_no_reason_to_lose_a_batch(self, gateway: Gateway) -> None:
        body = b'{"batch": [%b], "writeKey": "%b"}' % (
            json.dumps(viewed(properties={"product_id": "a1", "price": float("nan")})).encode(),
            gateway.keys.write.encode(),
        )
        assert (await gateway.http.post("/v1/batch", content=body)).json()["quarantined"] == 0

    async def test_wrong_method_and_path_are_typed(self, gateway: Gateway) -> None:
        for method, path in (("GET", "/v1/batch"), ("PUT", "/v1/track"), ("POST", "/v1/nothing"), ("GET", "/")):
            answer = await gateway.http.request(method, path)
            assert answer.status_code in {404, 405}
            assert {"code", "message"} <= answer.json().keys()


class TestPressure:
    async def test_lost_stream_is_503_with_a_time_to_come_back(self, gateway: Gateway) -> None:
        await gateway.nats.close()
        answer = await gateway.track(viewed())
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await gateway.http.get("/v1/health")).status_code == 503

    async def test_absent_stream_is_503(self, gateway: Gateway) -> None:
        await gateway.nats.jetstream().delete_stream(STREAM)
        assert (await gateway.track(viewed())).status_code == 503

    async def test_full_stream_is_429(self, gateway: Gateway) -> None:
        stream = gateway.nats.jetstream()
        config = (await stream.stream_info(STREAM)).config
        config.max_bytes = 1024
        await stream.update_stream(config)
        answers = [await gateway.track(*(viewed() for _ in range(20))) for _ in range(3)]
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1

"""The tracking API on real HTTP: acknowledged is on the stream, and whatever clients send gets a typed answer."""

import asyncio
import gzip
import json
import uuid
from typing import Any

import pytest

from doors.stream import STREAM
from doors.subjects import EdgeKeys, partition_of
from tests.integration.gateway.conftest import Gateway


def viewed(user: str = "u1", **fields: Any) -> dict[str, Any]:
    event = {"type": "track", "event": "Product Viewed", "userId": user, "messageId": uuid.uuid4().hex}
    return {**event, "properties": {"product_id": "a1"}, **fields}


class TestTexts:
    async def test_what_a_text_said_goes_on_and_its_words_do_not(self, gateway: Gateway) -> None:
        said = {"event": "Praised", "properties": {"item": "a1", "text": "I love this brand, you are the best!"}}
        refused = {"context": {"consent": {"categoryPreferences": {"remember.conversation": False}}}}
        # Nobody waits for an encoder that is being loaded: the first events go on without.
        while not (heard := (await gateway.interactions())[-1:]) or not heard[0].stances:
            answer = await gateway.track(viewed(), viewed(**said, **refused), viewed(**said))
            assert (answer.json()["received"], answer.json()["quarantined"]) == (3, 0)
        silent, unheard, heard = (each.stances for each in (await gateway.interactions())[-3:])
        assert silent == unheard == ()
        assert max(heard) == heard[3] > 0


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
            "userId": "planted-user-75317531",
            "anonymousId": "planted-anonymous-75317531",
            "messageId": "planted-message-75317531",
            "context": {"ip": "planted-ip-75317531", "traits": {"email": "planted-75317531@example.com"}},
        }
        await gateway.track(
            viewed(**planted), {**planted, "type": "identify", "traits": {"name": "planted-name-75317531"}}
        )
        assert len(await gateway.interactions()) == 2
        files = [path for path in nats_server.folder.rglob("*") if path.is_file()]
        assert any(b"interaction.v1.received" in path.read_bytes() for path in files)
        assert not any(b"75317531" in path.read_bytes() for path in files)


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

    @pytest.mark.parametrize(
        ("coding", "body"), [("gzip", b"{}"), ("gzip", gzip.compress(b"{}", mtime=0)[:-3]), ("br", b"{}")]
    )
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
        body = {"batch": [viewed()], "writeKey": gateway.keys.write}
        answer = await gateway.http.post("/v1/batch", json=body, headers={"Origin": "https://shop.example"})
        assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["access-control-expose-headers"] == "Retry-After"
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

import gzip
import json

import pytest

from contracts.avatar.v1 import avatar_pb2 as pb
from kit.testing.waiting import eventually

from .conftest import RPS

BOMB = gzip.compress(b" " * (64 << 20))


def refusal(answer):
    return answer.status_code, answer.json()["err"]["code"]


class TestWhoMayCall:
    @pytest.mark.parametrize(
        "value", ["", "Bearer", "Bearer mb_00000000_x", "Bearer dev", "Basic ZGV2Og==", "Bearer ä"]
    )
    async def test_a_wrong_key_is_unauthenticated(self, stand, value):
        answer = await stand.client.post(
            "/a/v1", json={"op": "open"}, headers={"Authorization": value.encode("latin-1")}
        )

        assert refusal(answer) == (401, "UNAUTHENTICATED")
        assert stand.core.heard == []

    async def test_no_key_is_unauthenticated(self, stand):
        assert refusal(await stand.client.post("/a/v1", json={"op": "open"})) == (401, "UNAUTHENTICATED")

    async def test_an_apps_key_is_not_a_worlds(self, stand):
        stand.token, _ = stand.credentials.mint("source", "oak", "app:shop")

        assert refusal(await stand.post({"op": "open"})) == (401, "UNAUTHENTICATED")

    async def test_another_world_is_unknown(self, stand):
        answer = await stand.post({"op": "open", "w": "maple-square"})

        assert refusal(answer) == (404, "UNKNOWN_WORLD")
        assert stand.core.heard == []

    async def test_the_cores_refusals_pass(self, stand):
        answer = await stand.post({"op": "open", "a": "nobody"})

        assert refusal(answer) == (404, "UNKNOWN_AVATAR")
        assert answer.json()["err"]["field"] == "avatar"


class TestWhatIsSent:
    @pytest.mark.parametrize(
        ("body", "headers", "expected"),
        [
            (b"not json", {}, (400, "BAD_JSON")),
            (b"", {}, (400, "BAD_JSON")),
            (b"[" * 60_000, {}, (400, "BAD_JSON")),
            (b'{"op":"open","v":"' + b"x" * 70_000 + b'"}', {}, (413, "TOO_LARGE")),
            (BOMB, {"Content-Encoding": "gzip"}, (413, "TOO_LARGE")),
            (b"no gzip", {"Content-Encoding": "gzip"}, (400, "BAD_ENCODING")),
            (b"{}", {"Content-Encoding": "br"}, (400, "BAD_ENCODING")),
            (b'{"op":"open","gaze":[0,0,1]}', {}, (400, "BODY_SIGNAL_REFUSED")),
            (b'{"op":"open","email":"joe@example.com"}', {}, (400, "UNKNOWN_KEY")),
            (b'{"op":"dance"}', {}, (400, "UNKNOWN_OP")),
            (b'{"op":"obs","s":"1.AAAA","e":"seen"}', {}, (404, "VISIT_UNKNOWN")),
        ],
    )
    async def test_it_is_refused_by_type_and_nothing_is_done(self, stand, body, headers, expected):
        sent = {"Authorization": f"Bearer {stand.token}", **headers}

        answer = await stand.client.post("/a/v1", content=body, headers=sent)

        assert refusal(answer) == expected
        assert b"joe@example.com" not in answer.content
        assert stand.core.heard == []
        assert await stand.published() == ([], [])

    async def test_a_gzipped_frame_is_read(self, stand):
        sent = {"Authorization": f"Bearer {stand.token}", "Content-Encoding": "gzip"}

        answer = await stand.client.post("/a/v1", content=gzip.compress(b'{"op":"open","v":"x"}'), headers=sent)

        assert answer.status_code == 200

    async def test_an_expired_visit_is_gone(self, stand):
        visit = (await stand.open())["s"]
        stand.clock.ahead = 31 * 60

        answer = await stand.post({"op": "obs", "s": visit, "e": "bought", "ref": "lantern"})

        assert refusal(answer) == (410, "VISIT_EXPIRED")
        assert stand.core.of(pb.ObserveRequest) == []
        assert await stand.published() == ([], [])

    @pytest.mark.parametrize("ref", ["6f9619ff-8b86-d011-b42d-00cf4fc964ff", "192.168.0.17", "0049151234567890"])
    async def test_what_people_are_known_by_is_no_item(self, stand, ref):
        visit = (await stand.open())["s"]

        answer = await stand.post({"op": "obs", "s": visit, "e": "seen", "ref": ref})

        assert refusal(answer) == (400, "IDENTITY_REFUSED")
        assert ref not in answer.text
        assert await stand.published() == ([], [])

    @pytest.mark.parametrize(("method", "path"), [("GET", "/a/v1"), ("PUT", "/a/v1"), ("POST", "/a/v2"), ("GET", "/")])
    async def test_there_is_one_path_and_one_method(self, stand, method, path):
        answer = await stand.client.request(method, path, headers={"Authorization": f"Bearer {stand.token}"})

        assert 400 <= answer.status_code < 500
        assert answer.json()["err"]["code"] in {"NOT_FOUND", "METHOD_NOT_ALLOWED"}

    async def test_a_world_that_calls_too_often_is_told_to_wait(self, stand):
        answers = [await stand.post({"op": "close", "s": "1.AAAA"}) for _ in range(2 * RPS + 1)]

        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert refused[0].json()["err"]["code"] == "EXHAUSTED"
        assert int(refused[0].headers["Retry-After"]) >= 1

    async def test_a_scripted_object_is_told_its_limits_in_a_success(self, stand):
        headers = {"X-SecondLife-Shard": "OpenSim", "X-SecondLife-Owner-Name": "Lab Owner"}
        answers = [await stand.post({"op": "close", "s": "1.AAAA"}, **headers) for _ in range(2 * RPS + 1)]

        told = [answer.json() for answer in answers if "lim" in answer.json()]
        assert {answer.status_code for answer in answers} == {200, 404}
        assert told[0]["err"]["code"] == "EXHAUSTED"
        assert told[0]["lim"] == {"rps": 1, "batch": 16}


class TestWhenTheCoreIsAway:
    async def test_an_open_is_unavailable(self, stand):
        await stand.server.stop(0)

        answer = await stand.post({"op": "open", "v": "x"})

        assert refusal(answer) == (503, "UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) >= 1

    async def test_a_batch_is_answered_frame_by_frame(self, stand):
        await stand.server.stop(0)

        answer = await stand.post({"b": [{"op": "open", "i": "1", "v": "x"}, {"op": "dance", "i": "2"}]})

        assert answer.status_code == 200
        away, unknown = answer.json()["b"]
        assert (away["err"]["code"], away["err"]["retry"]) == ("UNAVAILABLE", 1)
        assert unknown["err"]["code"] == "UNKNOWN_OP"


class TestWhenTheStreamIsAway:
    @pytest.fixture
    def stream_url(self, durable_nats_server):
        return durable_nats_server.url

    async def test_a_write_is_unavailable_and_not_noted_and_works_when_it_is_back(self, stand, durable_nats_server):
        visit = (await stand.open())["s"]
        frame = {"op": "obs", "s": visit, "i": "b-2", "e": "bought", "ref": "lantern"}
        durable_nats_server.stop()

        answer = await stand.post(frame)

        assert refusal(answer) == (503, "UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) >= 1
        assert stand.core.of(pb.ObserveRequest) == []
        durable_nats_server.start()
        await eventually(lambda: stand.nats.is_connected)
        assert (await stand.post(frame)).json() == {"ok": 1}
        assert len((await stand.published())[1]) == 1

    async def test_reading_goes_on(self, stand, durable_nats_server):
        visit = (await stand.open())["s"]
        durable_nats_server.stop()

        assert (await stand.post({"op": "ask", "s": visit, "k": "rec"})).status_code == 200


class TestHeaders:
    async def test_what_a_scripted_object_says_about_people_reaches_nothing(self, stand, capfd):
        headers = {
            "X-SecondLife-Owner-Name": "Lab Owner",
            "X-SecondLife-Owner-Key": "0a0a0a0a-0000-4000-8000-00000000000a",
        }
        visit = (await stand.post({"op": "open", "v": "x"}, **headers)).json()["s"]
        await stand.post({"op": "obs", "s": visit, "e": "seen", "ref": "lantern"}, **headers)
        await stand.post({"op": "nonsense"}, **headers)

        raw, _ = await stand.published()
        written = "".join(capfd.readouterr())
        for text in ("Lab Owner", "0a0a0a0a"):
            assert text not in written
            assert text not in json.dumps([str(heard) for heard in stand.core.heard])
            assert all(text.encode() not in message for message in raw)

import secrets
from pathlib import Path

import httpx

from kit.testing import eventually
from tests.e2e.running import RunningStack
from tests.e2e.tracing.spans import Trace, read_spans

_PURPOSES = {"collect.behaviour": True, "personalise.world": True}


def traces(stack: RunningStack) -> Trace:
    return read_spans(Path(stack.endpoints["data_dir"]) / "traces")


class TestOneEvent:
    async def test_is_followed_from_its_request_through_the_stream_to_the_fold(self, stack):
        user = f"user-{secrets.token_hex(8)}"
        event = {
            "event": "Product Viewed",
            "userId": user,
            "messageId": secrets.token_hex(16),
            "properties": {"product_id": "p-1", "category": "comedy"},
            "context": {"consent": {"categoryPreferences": _PURPOSES}},
        }
        async with httpx.AsyncClient(base_url=stack.endpoints["gateway"]) as client:
            answer = await client.post("/v1/track", json=event, auth=(stack.endpoints["write_key"], ""))
        assert answer.status_code == 200

        through = ["gateway", "profile_fold", "consent"]
        path = await eventually(lambda: traces(stack).path_through(through, "http POST"), timeout_s=30)
        assert {"producer", "consumer", "client", "server"} <= {span.kind for span in path}
        assert any(span.name.startswith("follow profile-") for span in path)
        assert path[-1].name.startswith("contracts.consent.v1.ConsentService/")


class TestOneVisit:
    async def test_is_followed_from_the_world_through_every_service_it_needs(self, stack):
        frame = {
            "op": "open",
            "i": f"{secrets.token_hex(4)}-1",
            "w": stack.endpoints["world"],
            "a": stack.endpoints["avatar"],
            "v": secrets.token_urlsafe(16),
            "lang": "en",
        }
        token = {"Authorization": f"Bearer {stack.endpoints['world_token']}"}
        async with httpx.AsyncClient(base_url=stack.endpoints["adapter"], headers=token) as client:
            answer = await client.post("/a/v1", json=frame)
        assert answer.status_code == 200

        path = await eventually(
            lambda: traces(stack).path_through(["avatar_adapter", "avatar", "profile"], "http POST"), timeout_s=30
        )
        assert [span.name for span in path if span.kind == "server"] == [
            "http POST",
            "contracts.avatar.v1.AvatarService/Open",
            "contracts.profile.v1.ProfileService/ReadPersona",
        ]

    async def test_of_somebody_known_reaches_the_truth_about_consent(self, stack):
        token = {"Authorization": f"Bearer {stack.endpoints['world_token']}"}
        visitor = secrets.token_urlsafe(16)
        frame = {"w": stack.endpoints["world"], "a": stack.endpoints["avatar"], "v": visitor, "lang": "en"}
        boot = secrets.token_hex(4)
        async with httpx.AsyncClient(base_url=stack.endpoints["adapter"], headers=token) as client:
            opened = await client.post("/a/v1", json={"op": "open", "i": f"{boot}-1", **frame})
            give = {"op": "con", "i": f"{boot}-2", "s": opened.json()["s"], "give": ["personalise.world"]}
            granted = await client.post("/a/v1", json=give)
            again = await client.post("/a/v1", json={"op": "open", "i": f"{boot}-3", **frame})
        assert [each.status_code for each in (opened, granted, again)] == [200] * 3

        services = ["avatar_adapter", "avatar", "profile", "consent"]

        def rpcs() -> set[str]:
            found = traces(stack)
            paths = [found.path_to(span) for span in found.spans if span.service == "consent"]
            whole = [path for path in paths if path and list(dict.fromkeys(s.service for s in path)) == services]
            return {path[-1].name.rpartition("/")[2] for path in whole}

        await eventually(lambda: {"Grant", "Check"} <= rpcs(), timeout_s=30)

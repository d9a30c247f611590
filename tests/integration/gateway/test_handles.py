"""REST about names and links: what reaches the profile service, and what is refused before."""

from typing import Any

import pytest

from contracts.profile.v1 import profile_pb2
from doors.subjects import EdgeKeys
from kit.errors import RemoteError, Status
from tests.integration.gateway.conftest import Gateway

HANDLE = "1." + "0f" * 16
ME = {"userId": "u1"}


async def post(gateway: Gateway, path: str, body: dict[str, Any], **headers: str) -> Any:
    known = {"Authorization": f"Bearer {gateway.keys.app}", **headers}
    return await gateway.http.post(f"/v1/{path}", json=body, headers=known)


class TestSubject:
    async def test_is_told_under_every_version_that_is_read(self, gateway: Gateway) -> None:
        before = EdgeKeys(gateway.keyring).of("app:shop")
        gateway.keyring.create("edge")
        after = EdgeKeys(gateway.keyring).of("app:shop")
        # The door may have looked at the ring a moment ago; for another id of the same audience it says the same.
        answer = await post(gateway, "face", ME)
        assert answer.status_code == 200
        (asked,) = gateway.services.asked
        assert asked.subject.eid in (before.user("u1"), after.user("u1"))
        assert (asked.subject.version == 2) == ([each.eid for each in asked.subject.former] == [before.user("u1")])


class TestAnswers:
    async def test_a_handle_that_is_gone_is_410(self, gateway: Gateway) -> None:
        gone = RemoteError("nobody", reason="HANDLE_GONE", status=Status.GONE, field="handle")
        gateway.services.answers["FindHandle"] = gone
        answer = await post(gateway, "handles/find", {"handle": HANDLE})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (410, "HANDLE_GONE", "handle")

    async def test_the_audience_is_that_of_the_key(self, gateway: Gateway) -> None:
        told = profile_pb2.ReplacedHandle(old=HANDLE, new="2." + "0f" * 16, effective_at_ms=1, until_ms=2)
        page = profile_pb2.ListReplacedHandlesResponse(replaced=[told], next=b"\xab")
        gateway.services.answers["ListReplacedHandles"] = page
        headers = {"Authorization": f"Bearer {gateway.keys.app}"}
        answer = await gateway.http.get("/v1/handles/replaced", headers=headers, params={"limit": 7, "after": "0a"})
        (asked,) = gateway.services.asked
        assert (asked.audience, asked.count, asked.after) == ("app:shop", 7, b"\x0a")
        assert answer.json() == {
            "replaced": [{"old": HANDLE, "new": told.new, "effective_at_ms": 1, "until_ms": 2}],
            "next": "ab",
        }

    async def test_a_signal_of_the_browser_goes_with_a_code(self, gateway: Gateway) -> None:
        body = {**ME, "code": "abcd", "brand": "oak"}
        await post(gateway, "links/redeem", body, **{"Sec-GPC": "1"})
        (asked,) = gateway.services.asked
        assert (asked.code, asked.statement.has_gpc, asked.statement.named_brand) == ("abcd", True, "oak")


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "body", "field"),
        [
            ("handles/find", {"handle": "1.zz"}, "handle"),
            ("handles/find", {}, "handle"),
            ("links/redeem", {**ME, "code": ""}, "code"),
            ("links/redeem", {**ME, "code": "x" * 65}, "code"),
            ("links/remove", {**ME, "audience": "mall"}, "audience"),
        ],
    )
    async def test_name_the_field(self, gateway: Gateway, path: str, body: dict[str, Any], field: str) -> None:
        answer = await post(gateway, path, body)
        assert (answer.status_code, answer.json()["field"]) == (400, f"body.{field}")
        assert gateway.services.asked == []

    async def test_a_key_that_may_only_send_sees_nothing(self, gateway: Gateway) -> None:
        headers = {"Authorization": f"Bearer {gateway.keys.write}"}
        assert (await gateway.http.get("/v1/handles/replaced", headers=headers)).status_code == 403

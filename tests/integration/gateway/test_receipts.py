"""Receipts over HTTP: what the door acknowledged can be asked for, by its own source."""

from collections import Counter

import pytest

from contracts.profile.v1 import profile_pb2 as contract
from doors.subjects import EdgeKeys
from gateway import receipts
from kit.credentials import Credentials
from kit.errors import RemoteError, Status
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_contract import viewed

STORED = contract.EventFate(fate="stored")
MALFORMED = contract.EventFate(fate="quarantined", reason="malformed", field="timestamp")
PENDING = contract.EventFate(fate="pending")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def sent(gateway: Gateway, *events: object) -> str:
    answer = await gateway.track(*events)
    return str(answer.json()["receipt"])


def opened(gateway: Gateway, receipt: str) -> receipts.Receipt:
    return receipts.read(receipt, [EdgeKeys(gateway.keyring).of("app:shop").receipt], "oak")


class TestGetReceipt:
    async def test_events_are_told_in_the_order_of_the_request(self, gateway: Gateway) -> None:
        receipt = await sent(gateway, viewed(timestamp="then"), viewed(), viewed())
        # Which run is the first hangs on whether the refused event went to the partition of the others.
        refused, told, _ = opened(gateway, receipt).events
        fates = {refused: [MALFORMED], told: [STORED, PENDING]}
        gateway.services.answers["ReadFates"] = contract.ReadFatesResponse(
            runs=[contract.RunFates(fates=fates[run]) for run in sorted(fates)]
        )
        answer = await gateway.http.get(f"/v1/receipts/{receipt}", headers=bearer(gateway.keys.app))
        (asked,) = gateway.services.asked
        batches = {envelope.batch_id: envelope.partition for envelope in await gateway.envelopes()}
        assert {run.batch_id: run.partition for run in asked.runs} == batches
        assert sorted(run.count for run in asked.runs) == [1, 2]
        assert answer.status_code == 200
        body = answer.json()
        assert [each["fate"] for each in body["events"]] == ["quarantined", "stored", "pending"]
        assert [each["index"] for each in body["events"]] == [0, 1, 2]
        assert (body["complete"], body["pending"]) == (False, 1)
        assert (body["events"][0]["reason"], body["events"][0]["field"]) == ("malformed", "timestamp")

    async def test_large_receipt_fits_into_an_address(self, gateway: Gateway) -> None:
        receipt = await sent(gateway, *[{"messageId": "same"}] * 10_000)
        counts = [count for _, count in sorted(Counter(opened(gateway, receipt).events).items())]
        assert len(counts) > 1
        runs = [contract.RunFates(fates=[MALFORMED] * count) for count in counts]
        gateway.services.answers["ReadFates"] = contract.ReadFatesResponse(runs=runs)
        answer = await gateway.http.get(f"/v1/receipts/{receipt}", headers=bearer(gateway.keys.app))
        assert len(answer.json()["events"]) == 10_000

    async def test_every_path_gives_one(self, gateway: Gateway) -> None:
        answer = await gateway.http.post("/v1/t", json={**viewed(), "writeKey": gateway.keys.write})
        assert answer.json()["receipt"]

    async def test_another_source_has_no_such_receipt(self, gateway: Gateway, tmp_path) -> None:
        receipt = await sent(gateway, viewed())
        credentials = Credentials(tmp_path / "credentials.json", gateway.keyring.current("pepper").secret)
        for brand, source in (("oak", "app:forum"), ("elm", "app:shop")):
            key, _ = credentials.mint("source", brand, source, scopes=["app"])
            answer = await gateway.http.get(f"/v1/receipts/{receipt}", headers=bearer(key))
            assert (answer.status_code, answer.json()["code"]) == (404, "RECEIPT_UNKNOWN")
        assert gateway.services.asked == []

    @pytest.mark.parametrize("receipt", ["x", "a.b", "A" * 30_000, "%ff%fe", "%00"])
    async def test_nonsense_is_refused_with_the_field(self, gateway: Gateway, receipt: str) -> None:
        answer = await gateway.http.get(f"/v1/receipts/{receipt}", headers=bearer(gateway.keys.app))
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
        assert answer.json()["field"].endswith("receipt")

    async def test_what_is_forgotten_is_gone(self, gateway: Gateway) -> None:
        receipt = await sent(gateway, viewed())
        gateway.services.answers["ReadFates"] = RemoteError(
            "forgotten", reason="RECEIPT_EXPIRED", status=Status.GONE, limit="2 days"
        )
        answer = await gateway.http.get(f"/v1/receipts/{receipt}", headers=bearer(gateway.keys.app))
        assert (answer.status_code, answer.json()["code"]) == (410, "RECEIPT_EXPIRED")

    async def test_key_that_only_sends_may_not_ask(self, gateway: Gateway) -> None:
        receipt = await sent(gateway, viewed())
        for key, status in ((gateway.keys.write, 403), (gateway.keys.staff, 401)):
            answer = await gateway.http.get(f"/v1/receipts/{receipt}", headers=bearer(key))
            assert answer.status_code == status

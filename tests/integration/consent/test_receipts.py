import json

import pytest

from contracts.common.v1.subject_pb2 import Persona
from contracts.consent.v1 import consent_pb2 as pb
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from kit.errors import RemoteError
from kit.rpc import connect
from kit.signatures import verify
from services.consent.__main__ import serving
from services.consent.receipts import TYPE

PERSONA = Persona(brand="oak", shard=7, pid=b"p" * 16)
ABOUT = {"persona": PERSONA, "audience": "app:shop"}
SAID = pb.Statement(method="rest", language="de", notice_version="2026-01")
OFFER, WORLD = "recommend.offer", "personalise.world"
HANDLE = "1.9d41b7ad7aa1c12b5d3fd1ec56bb3f31"


@pytest.fixture
async def consent(consent_database, settings):
    async with serving(settings(), consent_database) as server, connect(server.address) as channel:
        yield ConsentServiceStub(channel)


async def read(consent, receipt):
    keys = (await consent.ListReceiptKeys(pb.ListReceiptKeysRequest())).jwks
    return verify(receipt, keys, TYPE)


def grant(consent, *purposes, handle=HANDLE):
    return consent.Grant(pb.GrantRequest(**ABOUT, purposes=purposes, statement=SAID, handle=handle))


class TestReceipts:
    async def test_a_grant_is_confirmed_with_what_was_recorded(self, consent):
        granted = await grant(consent, OFFER)
        told = await read(consent, granted.receipt)
        [part] = told["dct:hasPart"]
        assert (told["iss"], told["sub"], told["aud"]) == ("oak", HANDLE, "app:shop")
        assert part["dpv:hasIdentifier"] == granted.records[0].record_id
        assert part["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentGiven"}
        assert PERSONA.pid.hex() not in json.dumps(told)

    async def test_a_withdrawal_is_confirmed_too(self, consent):
        await grant(consent, OFFER, WORLD)
        withdrawn = await consent.Withdraw(pb.WithdrawRequest(**ABOUT, purposes=[OFFER], statement=SAID, handle=HANDLE))
        [part] = (await read(consent, withdrawn.receipt))["dct:hasPart"]
        assert part["dpv:hasConsentStatus"] == {"@id": "dpv:ConsentWithdrawn"}

    async def test_without_a_name_there_is_none(self, consent):
        assert (await grant(consent, OFFER, handle="")).receipt == ""

    async def test_one_of_everything_in_force_can_be_had_at_any_time(self, consent):
        await grant(consent, OFFER, WORLD)
        await consent.Withdraw(pb.WithdrawRequest(**ABOUT, purposes=[OFFER], statement=SAID))
        issued = await consent.IssueReceipt(pb.IssueReceiptRequest(**ABOUT, handle=HANDLE))
        parts = (await read(consent, issued.receipt))["dct:hasPart"]
        states = {
            part["dpv:hasProcess"]["dpv:hasPurpose"]["dct:identifier"]: part["dpv:hasConsentStatus"]["@id"]
            for part in parts
        }
        assert states == {OFFER: "dpv:ConsentWithdrawn", WORLD: "dpv:ConsentGiven"}

    async def test_nobody_gets_none(self, consent):
        with pytest.raises(RemoteError) as refused:
            await consent.IssueReceipt(pb.IssueReceiptRequest(**ABOUT))
        assert refused.value.field == "handle"

    async def test_receipts_outlive_a_new_key(self, consent, keyring):
        before = (await grant(consent, OFFER)).receipt
        keyring.create("receipt")
        after = (await grant(consent, WORLD)).receipt
        for receipt in (before, after):
            assert (await read(consent, receipt))["sub"] == HANDLE


class TestExplain:
    async def explain(self, consent, purpose=OFFER):
        return await consent.Explain(pb.ExplainRequest(**ABOUT, purpose=purpose, handle=HANDLE))

    async def test_says_why_with_the_records_that_led_there(self, consent):
        await grant(consent, OFFER)
        await consent.Withdraw(pb.WithdrawRequest(**ABOUT, purposes=[OFFER], statement=SAID))
        told = await self.explain(consent)
        assert (told.decision.is_allowed, told.decision.reason) == (False, "WITHDRAWN")
        assert [record.state for record in told.records] == ["withdrawn", "given"]
        assert told.records[0].record_id == told.decision.record_id
        assert json.loads(told.document)["dpv:hasIdentifier"] == told.decision.record_id

    async def test_of_what_was_never_asked_it_shows_no_record(self, consent):
        told = await self.explain(consent)
        assert (told.decision.reason, list(told.records), told.document) == ("NEVER_ASKED", [], "")

    async def test_names_version_and_floor(self, consent):
        told = await self.explain(consent)
        assert (told.version, told.floor) == (1, 1)

    async def test_an_unknown_purpose_is_refused(self, consent):
        with pytest.raises(RemoteError) as refused:
            await self.explain(consent, "sell.everything")
        assert refused.value.reason == "UNKNOWN_PURPOSE"

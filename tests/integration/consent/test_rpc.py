import os

import pytest

from contracts.common.v1.subject_pb2 import Persona
from contracts.consent.v1 import consent_pb2 as pb
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from kit.errors import RemoteError, Status
from kit.rpc import connect
from services.consent.__main__ import serving

PERSONA = Persona(brand="oak", shard=7, pid=b"p" * 16)
SAID = pb.Statement(method="rest", language="de", notice_version="2026-01")
AUDIENCE = "world:oak-street"


@pytest.fixture
async def consent(consent_database, settings):
    async with serving(settings(), consent_database) as server, connect(server.address) as channel:
        yield ConsentServiceStub(channel)


def check(*purposes, persona=PERSONA):
    return pb.CheckRequest(persona=persona, audience=AUDIENCE, purposes=purposes)


def grants(count, **changed):
    fields = {
        "purposes": ["research.model"],
        "shards": [number % 64 for number in range(count)],
        "pids": [number.to_bytes(16, "big") for number in range(count)],
        "stated_at_ms": [1_700_000_000_000 + number for number in range(count)],
    }
    said = pb.Statement(method="sdk-preferences")
    return pb.GrantManyRequest(brand="oak", audience=AUDIENCE, statement=said, **{**fields, **changed})


class TestConsentService:
    async def test_grant_check_withdraw_check(self, consent):
        granted = await consent.Grant(
            pb.GrantRequest(persona=PERSONA, audience=AUDIENCE, purposes=["recommend.offer"], statement=SAID)
        )
        before = await consent.Check(check("recommend.offer"))
        await consent.Withdraw(
            pb.WithdrawRequest(persona=PERSONA, audience=AUDIENCE, purposes=["recommend.offer"], statement=SAID)
        )
        after = await consent.Check(check("recommend.offer"))
        assert [record.state for record in granted.records] == ["given"]
        assert before.decisions[0].is_allowed
        assert before.decisions[0].record_id == granted.records[0].record_id
        assert (after.decisions[0].is_allowed, after.decisions[0].reason) == (False, "WITHDRAWN")

    async def test_lists_the_whole_pack_for_somebody_unknown(self, consent):
        listed = await consent.ListConsents(pb.ListConsentsRequest(persona=PERSONA, audience=AUDIENCE))
        assert len(listed.records) == 11
        assert {record.state for record in listed.records} == {"never_asked"}

    async def test_checks_many(self, consent):
        await consent.Grant(
            pb.GrantRequest(persona=PERSONA, audience=AUDIENCE, purposes=["research.model"], statement=SAID)
        )
        answer = await consent.CheckMany(
            pb.CheckManyRequest(
                brand="oak",
                audience=AUDIENCE,
                purposes=["collect.behaviour", "research.model"],
                shards=[7, 7],
                pids=[PERSONA.pid, os.urandom(16)],
            )
        )
        assert list(answer.allowed) == [2, 0]

    async def test_grants_many_each_at_a_time_of_their_own(self, consent):
        both = grants(2, purposes=["collect.behaviour", "research.model"])
        first, again = await consent.GrantMany(both), await consent.GrantMany(both)
        listed = await consent.ListConsents(
            pb.ListConsentsRequest(
                persona=Persona(brand="oak", shard=both.shards[1], pid=both.pids[1]), audience=AUDIENCE
            )
        )
        given = {record.purpose: record.stated_at_ms for record in listed.records if record.state == "given"}
        assert (first.recorded, again.recorded) == (4, 0)
        assert given == dict.fromkeys(both.purposes, both.stated_at_ms[1])

    async def test_grants_of_many_are_as_those_of_one(self, consent):
        await consent.GrantMany(grants(1))
        await consent.Withdraw(
            pb.WithdrawRequest(
                persona=Persona(brand="oak", shard=0, pid=grants(1).pids[0]), audience=AUDIENCE, statement=SAID
            )
        )
        assert (await consent.GrantMany(grants(1))).recorded == 0

    async def test_grants_of_nobody_are_nothing(self, consent):
        assert (await consent.GrantMany(grants(0))).recorded == 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("field", "request_"),
        [
            ("pids", lambda: grants(1_001)),
            ("shards", lambda: grants(2, shards=[1])),
            ("stated_at_ms", lambda: grants(2, stated_at_ms=[1])),
            ("stated_at_ms", lambda: grants(1, stated_at_ms=[-1])),
            ("purposes", lambda: grants(1, purposes=[])),
            ("purposes", lambda: grants(1, purposes=["sell"])),
            ("persona.shard", lambda: grants(1, shards=[64])),
            ("persona.pid", lambda: grants(1, pids=[b"short"])),
        ],
    )
    async def test_malformed_grants_of_many_name_the_field(self, consent, field, request_):
        with pytest.raises(RemoteError) as refused:
            await consent.GrantMany(request_())
        assert refused.value.field == field

    async def test_withdrawing_core_names_the_reason(self, consent):
        with pytest.raises(RemoteError) as refused:
            await consent.Withdraw(
                pb.WithdrawRequest(persona=PERSONA, audience=AUDIENCE, purposes=["core.service"], statement=SAID)
            )
        assert (refused.value.reason, refused.value.field) == ("PURPOSE_ALWAYS_ON", "purposes")

    async def test_granting_an_unknown_purpose_names_the_reason(self, consent):
        with pytest.raises(RemoteError) as refused:
            await consent.Grant(pb.GrantRequest(persona=PERSONA, audience=AUDIENCE, purposes=["sell"], statement=SAID))
        assert (refused.value.reason, refused.value.status) == ("UNKNOWN_PURPOSE", Status.INVALID)

    @pytest.mark.parametrize(
        ("field", "request_"),
        [
            ("purposes", check()),
            ("purposes", check(*["research.model"] * 33)),
            ("persona.pid", check("research.model", persona=Persona(brand="oak", shard=7, pid=b"short"))),
            ("persona.shard", check("research.model", persona=Persona(brand="oak", shard=64, pid=b"p" * 16))),
            ("persona.brand", check("research.model", persona=Persona(brand="Oak!", shard=7, pid=b"p" * 16))),
            ("audience", pb.CheckRequest(persona=PERSONA, audience="mail:jo@example.org", purposes=["research.model"])),
        ],
    )
    async def test_malformed_requests_name_the_field(self, consent, field, request_):
        with pytest.raises(RemoteError) as refused:
            await consent.Check(request_)
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", field)

    @pytest.mark.parametrize(
        ("field", "statement"),
        [
            ("statement.method", pb.Statement(method="telepathy")),
            ("statement.language", pb.Statement(method="rest", language="german, or so it seems")),
            ("statement.notice_version", pb.Statement(method="rest", notice_version="jo@example.org")),
            ("statement.stated_at_ms", pb.Statement(method="rest", stated_at_ms=-1)),
        ],
    )
    async def test_malformed_statements_name_the_field(self, consent, field, statement):
        with pytest.raises(RemoteError) as refused:
            await consent.Grant(
                pb.GrantRequest(persona=PERSONA, audience=AUDIENCE, purposes=["research.model"], statement=statement)
            )
        assert refused.value.field == field

    async def test_too_many_personas_at_once_are_refused(self, consent):
        with pytest.raises(RemoteError) as refused:
            await consent.CheckMany(
                pb.CheckManyRequest(
                    brand="oak",
                    audience=AUDIENCE,
                    purposes=["research.model"],
                    shards=[7] * 20_001,
                    pids=[PERSONA.pid] * 20_001,
                )
            )
        assert (refused.value.field, refused.value.limit) == ("pids", "20000")

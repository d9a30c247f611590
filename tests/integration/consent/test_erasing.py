import pytest

from contracts.consent.v1 import consent_pb2 as pb
from kit.errors import RemoteError
from tests.integration.consent.test_rpc import AUDIENCE, PERSONA, SAID, check, consent

__all__ = ["consent"]


def erase(*personas):
    return pb.EraseRequest(
        brand="oak", shards=[each.shard for each in personas], pids=[each.pid for each in personas], statement=SAID
    )


def grant(audience=AUDIENCE):
    return pb.GrantRequest(persona=PERSONA, audience=audience, purposes=["recommend.offer"], statement=SAID)


class TestErase:
    async def test_denies_towards_every_audience_and_for_ever(self, consent):
        for audience in (AUDIENCE, "app:shop"):
            await consent.Grant(grant(audience))
        assert (await consent.Erase(erase(PERSONA))).recorded == 2
        for audience in (AUDIENCE, "app:shop"):
            (record,) = (await consent.Grant(grant(audience))).records
            assert record.state == "erased"
        (decision,) = (await consent.Check(check("recommend.offer"))).decisions
        assert (decision.is_allowed, decision.reason) == (False, "ERASED")

    async def test_erasing_twice_records_once(self, consent):
        await consent.Grant(grant())
        await consent.Erase(erase(PERSONA, PERSONA))
        assert (await consent.Erase(erase(PERSONA))).recorded == 0

    async def test_nobody_and_too_many_are_refused_by_name(self, consent):
        for request in (erase(), erase(*[PERSONA] * 1001)):
            with pytest.raises(RemoteError) as refused:
                await consent.Erase(request)
            assert (refused.value.field, refused.value.limit) == ("pids", "1 to 1000")


class TestNoteChoice:
    async def test_every_choice_is_a_record_of_its_own_and_changes_no_consent(self, consent):
        await consent.Grant(grant())
        before = (await consent.Check(check("recommend.offer"))).decisions[0]
        chosen = pb.NoteChoiceRequest(brand="oak", shards=[PERSONA.shard], pids=[PERSONA.pid], statement=SAID)
        for _ in range(2):
            assert (await consent.NoteChoice(chosen)).recorded == 1
        after = (await consent.Check(check("recommend.offer"))).decisions[0]
        assert (after.is_allowed, after.record_id) == (True, before.record_id)
        assert after.sequence == before.sequence + 2
        listed = await consent.ListConsents(pb.ListConsentsRequest(persona=PERSONA, audience=AUDIENCE))
        assert "chosen" not in {record.state for record in listed.records}

    async def test_it_is_erased_with_the_rest(self, consent):
        await consent.NoteChoice(
            pb.NoteChoiceRequest(brand="oak", shards=[PERSONA.shard], pids=[PERSONA.pid], statement=SAID)
        )
        assert (await consent.Erase(erase(PERSONA))).recorded == 1

import json
import secrets

import pytest

from avatar_adapter.domain import Visit, World
from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1.profile_pb2 import ObjectRequest, Removal, RemoveRequest, SeeRequest
from kit.errors import RemoteError
from kit.testing import eventually
from services.avatar.__main__ import now_ms


class TestCopies:
    async def test_a_withdrawal_is_seen_at_once_though_door_and_profile_service_keep_copies(self, real_street, door):
        visitor = real_street.visitor()
        visit = real_street.visit(visitor)
        await visit.open()
        for _ in range(5):
            await visit.consent(give=["personalise.world"])
            await eventually(lambda: door.is_warm(visitor))
            assert (await door.open(visitor)).view.handle
            await visit.consent(take=["*"])
            blind = await door.open(visitor)
            assert (blind.HasField("view"), blind.decisions[0].reason) == (False, "WITHDRAWN")

    async def test_what_a_person_chooses_is_seen_at_once_and_each_use_of_a_copy_is_told(self, real_street, door):
        visitor, said = real_street.visitor(), Statement(method="frame")
        visit = real_street.visit(visitor)
        await visit.open()
        await visit.consent(give=["personalise.world", "recommend.offer"])
        profile = real_street.profile
        for choose, request in (
            (profile.Object, ObjectRequest(subject=visitor, inferences=["likes"], statement=said)),
            (profile.Remove, RemoveRequest(subject=visitor, removal=Removal(what="brand"), statement=said)),
        ):
            await eventually(lambda: door.is_warm(visitor))
            await choose(request, timeout=20)
            assert not await door.is_warm(visitor)
        offers = next(each for each in (await door.open(visitor)).decisions if each.purpose == "recommend.offer")
        assert offers.reason == "REMOVED"
        await door.reception.drain()

        async def are_told():
            readers = json.loads((await profile.See(SeeRequest(subject=visitor), timeout=20)).document)["readers"]
            return sum(each["count"] for each in readers if each["what"] == "view") == door.opened

        await eventually(are_told)

    async def test_what_a_door_opened_goes_on_as_if_the_service_had(self, real_street, door):
        visitor = real_street.visitor()
        first = real_street.visit(visitor)
        await first.open()
        await first.consent(give=["personalise.world", "recommend.offer"])
        await eventually(lambda: door.is_warm(visitor))
        world = World(visitor.brand, visitor.audience.removeprefix("world:"))
        message = real_street.visit(visitor)
        visit = Visit(message.visit.visit_id, visitor.eid, "ada", message.visit.expires_at_ms // 1000, 4096, 500)
        opened = await door.reception.open(world, visit, "en", now_ms())
        await door.reception.landed(visit)
        again = await message.open()
        assert (again.is_repeat, again.next.ref) == (True, opened.ref)
        assert (await message.act(opened.ref, "done")).quiet_s >= 0
        assert (await message.ask()).action.item == "lamp"

    async def test_what_another_process_sealed_is_opened_all_the_same(self, real_street, door):
        message = real_street.visit(real_street.visitor())
        opening = pb.Opening(visit=message.visit, language="en", opening=b"of another", ref="r1", opened_at_ms=1)
        await real_street.stub.OpenMany(pb.OpenManyRequest(openings=[opening]))
        assert (await message.open()).is_repeat


class TestEncounter:
    async def test_from_stranger_to_acquaintance_and_back(self, real_street):
        visitor = real_street.visitor()
        first = real_street.visit(visitor)
        opened = await first.open()
        assert (opened.next.act, list(opened.grants)) == ("none", [])

        given = await first.consent(give=["personalise.world", "remember.conversation", "recommend.offer"])
        assert {record.state for record in given.records} == {"given"}
        assert (await first.ask()).action.item == "lamp"
        await first.observe("tried", "lamp")
        await first.close()

        second = real_street.visit(visitor)
        met = await second.open()
        assert [grant.kind for grant in met.grants] == ["greet"]
        assert list(met.memory.tried) == ["lamp"]
        assert met.view.handle
        assert (await second.ask(frame_id="f1")).action.item == "chair"

        taken = await second.consent(take=["*"])
        assert {record.state for record in taken.records} == {"withdrawn"}
        assert (await second.ask(frame_id="f1")).action.item == ""
        assert (await second.forget()).was_known
        blind = await real_street.visit(visitor).open()
        assert not blind.HasField("view")
        assert not blind.HasField("memory")
        assert {decision.reason for decision in blind.decisions if decision.purpose != "collect.behaviour"} == {
            "WITHDRAWN"
        }

    async def test_the_person_sees_what_avatars_remember_until_it_is_forgotten(self, real_street):
        visitor = real_street.visitor()
        visit = real_street.visit(visitor)
        await visit.open()

        async def seen():
            answer = await real_street.profile.See(SeeRequest(subject=visitor), timeout=20)
            return [(each["avatar"], each["tried"]) for each in json.loads(answer.document)["remembered"]]

        assert await seen() == []
        await visit.consent(give=["personalise.world", "remember.conversation"])
        await visit.observe("tried", "lamp")
        assert await seen() == [("ada", ["lamp"])]
        await visit.consent(take=["*"])
        assert await seen() == [("ada", ["lamp"])]
        await visit.forget()
        assert await seen() == []

    async def test_an_unknown_purpose_is_refused_with_its_own_reason(self, real_street):
        visiting = real_street.visit(real_street.visitor(), visit_id=secrets.token_bytes(16))
        await visiting.open()
        with pytest.raises(RemoteError) as refused:
            await visiting.consent(give=["world.domination"])
        assert refused.value.reason == "UNKNOWN_PURPOSE"

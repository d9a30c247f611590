import asyncio
import json
import secrets

import pytest

from avatar_adapter import hints
from avatar_adapter.__main__ import following
from avatar_adapter.copies import Copies
from avatar_adapter.domain import Visit, World
from avatar_adapter.reception import Reception
from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub
from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1.profile_pb2 import ObjectRequest, Removal, RemoveRequest, SeeRequest
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from contracts.recommendation.v1.recommendation_pb2_grpc import add_RecommendationServiceServicer_to_server
from kit.errors import RemoteError
from kit.fence import Familiar, FencedCache, boottime_ns
from kit.http import free_port
from kit.testing import eventually
from services.avatar.__main__ import now_ms, serve_avatar
from services.avatar.clients import Profiles
from services.avatar.settings import AvatarSettings
from services.consent.__main__ import serving as serving_consent
from services.consent.settings import ConsentSettings
from services.profile import handles
from services.profile.__main__ import build, open_aggregates, open_eraser, open_stores, open_streams, stop_all
from services.profile.settings import ProfileSettings
from tests.integration.avatar.conftest import Street
from tests.integration.avatar.others import Recommendation


@pytest.fixture
async def real_street(serving, database, database_url, nats_url, tmp_path):
    """The avatar service before the real profile and consent services."""
    truth = ConsentSettings(keyring_dir=tmp_path / "keyring")
    server = await serving.closing.enter_async_context(serving_consent(truth, database("consent")))
    address = f"127.0.0.1:{free_port()}"
    settings = ProfileSettings(
        database_url=database_url("profile"),
        vault_url=database_url("vault"),
        nats_url=nats_url,
        keyring_dir=tmp_path / "keyring",
        consent_address=server.address,
        avatar_address=address,
        shared_by_least=1,
    )
    stores = await open_stores(settings, serving.closing)
    stores.keyring.ensure(handles.FAMILY)
    streams = await open_streams(settings, serving.closing)
    eraser = await open_eraser(settings, stores, streams, serving.closing)
    aggregates = open_aggregates(settings, stores, serving.closing)
    profiles = await serving.start(await build(settings, stores, streams, eraser, aggregates))
    ranking = Recommendation()
    name = "contracts.recommendation.v1.RecommendationService"
    rankings = await serving.serve(add_RecommendationServiceServicer_to_server, ranking, name)
    kept = database("avatar")
    known = Profiles(profiles)
    serving.closing.push_async_callback(stop_all, asyncio.create_task(known.report(0.05)))
    avatars = await serving.start(serve_avatar(AvatarSettings(grpc_address=address), kept, known, rankings))
    street = Street(AvatarServiceStub(avatars), ProfileServiceStub(profiles), ranking, kept, None)
    street.clock = type("Now", (), {"ms": property(lambda _: now_ms())})()
    street.consent_address, street.streams = server.address, streams
    return street


class Asked:
    """The avatar service, and how often it was asked to open a visit."""

    def __init__(self, stub):
        self.OpenMany, self._open, self.count = stub.OpenMany, stub.Open, 0

    async def Open(self, request):  # noqa: N802 - as the contract has it
        self.count += 1
        return await self._open(request)


class Door:
    """What a door does with openings, under the fence of the real consent service."""

    def __init__(self, street, fence):
        client, self.fence, self.asked = street.streams.client(), fence, Asked(street.stub)
        self.copies = Copies(fence, Familiar(100, lambda: hints.connection(client)), lambda who: who.eid)
        self.opened = 0
        self.reception = Reception(self.asked, self.copies, lambda name: hints.tell(client, name), secrets.token_bytes)

    async def open(self, visitor):
        self.opened += 1
        world = World(visitor.brand, visitor.audience.removeprefix("world:"))
        ends = now_ms() // 1000 + 1800
        visit = Visit(secrets.token_bytes(16), visitor.eid, "ada", ends, 4096, 500)
        return await self.reception.open(world, visit, "en", now_ms())

    async def is_warm(self, visitor):
        before = self.asked.count
        await self.open(visitor)
        return self.asked.count == before


@pytest.fixture
async def door(real_street):
    fence = FencedCache(boottime_ns, margin_ns=50_000_000, capacity=100)
    door = Door(real_street, fence)
    await hints.listen(real_street.streams.client(), door.copies.hint)
    async with following(real_street.consent_address, fence):
        await eventually(lambda: fence.is_leased)
        yield door
        await door.reception.drain()


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
        assert (again.is_repeat, again.next.ref) == (True, opened.next.ref)
        assert (await message.act(opened.next.ref, "done")).quiet_s >= 0
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

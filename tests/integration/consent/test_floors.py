import asyncio

import pytest
import yaml

from contracts.common.v1.subject_pb2 import Persona
from contracts.consent.v1 import consent_pb2 as pb
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from kit.errors import RemoteError
from kit.fence import FencedCache, boottime_ns, follow
from kit.rpc import connect
from kit.testing import eventually
from services.consent.__main__ import serving
from services.consent.chain import first_break, genesis
from services.consent.purposes import PACK
from services.consent.repository import histories
from services.profile.clients import ConsentClient
from services.profile.domain import Persona as Someone
from services.profile.fenced import Decisions

PERSONA = Persona(brand="oak", shard=7, pid=b"p" * 16)
SOMEONE = Someone("oak", 7, b"p" * 16)
AUDIENCE, OFFER = "app:shop", "recommend.offer"


@pytest.fixture
def second_version(tmp_path):
    """The pack, with a second version of one purpose."""
    pack = yaml.safe_load(PACK.read_text())
    for purpose in pack["purposes"]:
        purpose["version"] = 2 if purpose["id"] == OFFER else 1
    (tmp_path / "purposes.yaml").write_text(yaml.safe_dump(pack))
    return tmp_path / "purposes.yaml"


async def grant(stub, purpose=OFFER, persona=PERSONA):
    said = pb.Statement(method="rest")
    await stub.Grant(pb.GrantRequest(persona=persona, audience=AUDIENCE, purposes=[purpose], statement=said))


async def reason(stub, purpose=OFFER, persona=PERSONA):
    answer = await stub.Check(pb.CheckRequest(persona=persona, audience=AUDIENCE, purposes=[purpose]))
    return answer.decisions[0].reason


@pytest.fixture
async def agreed(consent_database, settings, second_version):
    """A service whose pack has moved on, and a consent from before."""
    async with serving(settings(), consent_database) as server, connect(server.address) as channel:
        await grant(ConsentServiceStub(channel))
    changed = settings(purposes_file=second_version, fence_term_s=0.1)
    async with serving(changed, consent_database) as server, connect(server.address) as channel:
        yield channel


class TestRaisingAFloor:
    async def test_what_was_agreed_to_before_is_not_read_any_more(self, agreed):
        stub = ConsentServiceStub(agreed)
        assert await reason(stub) == "GRANTED"
        assert (await stub.RaiseFloor(pb.RaiseFloorRequest(brand="oak", purpose=OFFER, floor=2))).floor == 2
        assert await reason(stub) == "BELOW_POLICY_FLOOR"
        many = pb.CheckManyRequest(brand="oak", audience=AUDIENCE, purposes=[OFFER], shards=[7], pids=[PERSONA.pid])
        assert list((await stub.CheckMany(many)).allowed) == [0]
        await grant(stub)
        assert await reason(stub) == "GRANTED"
        assert list((await stub.CheckMany(many)).allowed) == [1]

    async def test_no_cache_answers_from_before(self, agreed):
        client = ConsentClient(agreed)
        cache = FencedCache(boottime_ns, margin_ns=10_000_000, capacity=10)
        following = asyncio.create_task(follow(client.hold, cache, boottime_ns))
        try:
            await eventually(lambda: asyncio.sleep(0, cache.is_leased))
            decisions = Decisions(client, cache, lambda: 0)

            async def is_kept() -> bool:
                # A lease of a tenth of a second is soon over on a busy machine.
                [before] = await decisions.check(SOMEONE, AUDIENCE, [OFFER])
                assert before.is_allowed
                return decisions.held(SOMEONE, AUDIENCE, [OFFER]) is not None

            await eventually(is_kept)
            await ConsentServiceStub(agreed).RaiseFloor(pb.RaiseFloorRequest(brand="oak", purpose=OFFER, floor=2))
            assert decisions.held(SOMEONE, AUDIENCE, [OFFER]) is None
            [after] = await decisions.check(SOMEONE, AUDIENCE, [OFFER])
            assert not after.is_allowed
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def test_other_brands_and_purposes_stand(self, agreed):
        stub = ConsentServiceStub(agreed)
        elm = Persona(brand="elm", shard=7, pid=b"e" * 16)
        await grant(stub, "research.model")
        await grant(stub, persona=elm)
        await stub.RaiseFloor(pb.RaiseFloorRequest(brand="oak", purpose=OFFER, floor=2))
        assert await reason(stub, "research.model") == "GRANTED"
        assert await reason(stub, persona=elm) == "GRANTED"

    async def test_it_is_recorded_in_the_chain_of_every_shard(self, agreed, consent_database):
        stub = ConsentServiceStub(agreed)
        await grant(stub, persona=Persona(brand="oak", shard=9, pid=b"q" * 16))
        await stub.RaiseFloor(pb.RaiseFloorRequest(brand="oak", purpose=OFFER, floor=2))
        async with consent_database.reading() as connection:
            chains = [await histories.read_chain(connection, "oak", shard) for shard in (7, 9)]
        for shard, chain in zip((7, 9), chains, strict=True):
            assert (chain[-1][0].state, chain[-1][0].actor, chain[-1][0].purpose) == ("floor_raised", "brand", OFFER)
            assert first_break(genesis("oak", shard), chain) is None

    async def test_it_never_falls(self, agreed):
        stub = ConsentServiceStub(agreed)
        await stub.RaiseFloor(pb.RaiseFloorRequest(brand="oak", purpose=OFFER, floor=2))
        assert (await stub.RaiseFloor(pb.RaiseFloorRequest(brand="oak", purpose=OFFER, floor=1))).floor == 2
        assert await reason(stub) == "BELOW_POLICY_FLOOR"

    @pytest.mark.parametrize(
        ("field", "asked"),
        [
            ("floor", {"floor": 3}),
            ("floor", {"floor": 0}),
            ("purposes", {"purpose": "sell.everything"}),
            ("brand", {"brand": "Oak!"}),
        ],
    )
    async def test_a_floor_that_nobody_could_reach_is_refused(self, agreed, field, asked):
        request = pb.RaiseFloorRequest(**({"brand": "oak", "purpose": OFFER, "floor": 2} | asked))
        with pytest.raises(RemoteError) as refused:
            await ConsentServiceStub(agreed).RaiseFloor(request)
        assert refused.value.field == field

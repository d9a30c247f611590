from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.common.v1.subject_pb2 import Persona
from services.avatar.tables import effects, encounters, memories
from tests.integration.avatar.test_memory import rows


class TestErasePersonas:
    async def test_encounters_and_memories_of_the_erased_go_and_no_others(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "lamp", frame_id="f1")
        other = shop.visitor()
        shop.profile.give(other, "personalise.world", "remember.conversation")
        await shop.visit(other).open()
        who = ada.visit.subject
        pid, _ = shop.profile.personas[who.audience, who.eid]
        persona = Persona(brand=who.brand, shard=who.eid[0] % 64, pid=pid)
        told = await shop.stub.ErasePersonas(pb.ErasePersonasRequest(personas=[persona]))
        assert (told.memories, told.encounters) == (1, 1)
        assert len(await rows(shop, encounters)) == 1
        assert not await rows(shop, effects)
        assert not await rows(shop, memories)
        again = await shop.stub.ErasePersonas(pb.ErasePersonasRequest(personas=[persona]))
        assert (again.memories, again.encounters) == (0, 0)


class TestForgetEverything:
    async def test_has_the_whole_persona_erased_and_names_the_erasure(self, shop, ada):
        await ada.open()
        await ada.observe("tried", "lamp")
        told = await shop.stub.Forget(pb.ForgetRequest(visit=ada.visit, frame_id="f9", everything=True))
        assert told.receipt == "e" * 32
        who = ada.visit.subject
        assert (who.audience, who.eid) not in shop.profile.personas
        assert not await rows(shop, memories)

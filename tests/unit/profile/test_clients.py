import asyncio

from contracts.consent.v1 import consent_pb2
from services.profile import clients
from services.profile.clients import ConsentClient
from services.profile.domain import Persona


class Stub:
    """Answers the chunks of one question from different moments."""

    def __init__(self, sequences):
        self._sequences = iter(sequences)

    async def CheckMany(self, request, timeout):  # noqa: N802 - the contract's name
        await asyncio.sleep(0)
        head = consent_pb2.Head(brand="oak", shard=7, sequence=next(self._sequences))
        count = len(request.pids)
        return consent_pb2.CheckManyResponse(allowed=[1] * count, holds_until_ms=[0] * count, heads=[head])


class TestCheckMany:
    async def test_of_several_answers_about_a_shard_the_oldest_sequence_counts(self, monkeypatch):
        monkeypatch.setattr(clients, "_MANY", 1)
        client = ConsentClient.__new__(ConsentClient)
        client._stub = Stub([6, 5, 7])
        personas = [Persona("oak", 7, bytes([number]) * 16) for number in range(3)]
        masks = await client.check_many("oak", "app:shop", ["recommend.offer"], personas)
        assert (masks.allowed, masks.heads) == ([1, 1, 1], {7: 5})

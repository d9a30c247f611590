"""Publishing: one partition an envelope, within the bound, and every caller learns its fate."""

import asyncio
from collections.abc import Callable

import pytest

from contracts.interaction.v1 import payload
from contracts.interaction.v1.interaction_pb2 import Envelope
from contracts.interaction.v1.payload import Interaction, Quarantined
from doors.publish import Parcel, Position, Publisher, Sealer, parcels
from kit.epochs import EpochKeys
from kit.errors import ExhaustedError, UnavailableError
from kit.keyring import FolderKeyRing
from kit.sealing import UnsealableError, open_sealed


def interaction(first: int, *, source: str = "app:shop", topics: int = 0) -> Interaction:
    words = tuple(f"sustainability{number}" for number in range(topics))
    return Interaction(source, bytes([first]) * 16, b"m" * 16, 1, 0, "web", "i" * 64, words)


class FakeStream:
    """Appends when it is let, and numbers what it got."""

    def __init__(self) -> None:
        self.appended: list[tuple[str, bytes]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def append(self, subject: str, body: bytes, headers: dict[str, str]) -> int:
        await self.open.wait()
        if self.error:
            raise self.error
        self.appended.append((subject, body))
        return len(self.appended)


@pytest.fixture
def sealer(keyring: FolderKeyRing) -> Sealer:
    return Sealer(EpochKeys(keyring), "pack/1", clock=lambda: 12.5)


@pytest.fixture
def stream() -> FakeStream:
    return FakeStream()


@pytest.fixture
def publisher(stream: FakeStream, sealer: Sealer) -> Callable[[int], Publisher]:
    return lambda max_waiting: Publisher(stream, sealer, max_waiting=max_waiting)


class TestParcels:
    def test_visitors_are_sorted_by_partition(self) -> None:
        packed = parcels([interaction(0), interaction(1), interaction(4), interaction(63)], 4)
        assert [(parcel.partition, len(parcel.fates)) for parcel in packed] == [(0, 2), (1, 1), (3, 1)]

    def test_quarantined_go_by_their_message(self) -> None:
        (parcel,) = parcels([Quarantined("app:shop", b"\x02" * 16, "malformed", "")], 4)
        assert parcel.partition == 2

    @pytest.mark.parametrize("topics", [0, 5])
    def test_size_is_never_below_the_encoded_one(self, topics: int) -> None:
        fates = [interaction(0, topics=topics) for _ in range(100)]
        (parcel,) = parcels(fates, 4)
        assert parcel.size >= len(payload.encode(payload.Payload(fates, [])))

    def test_large_request_fills_several(self) -> None:
        packed = parcels((interaction(0) for _ in range(5_000)), 4)
        assert len(packed) > 1
        assert sum(len(parcel.fates) for parcel in packed) == 5_000


class TestSealer:
    def test_envelope_accounts_for_every_source(self, sealer: Sealer) -> None:
        fates = [
            interaction(0),
            interaction(0, source="app:forum"),
            Quarantined("app:shop", b"m" * 16, "malformed", ""),
        ]
        envelope = Envelope.FromString(sealer.seal("oak", 0, fates).body)
        assert {count.source: count.received for count in envelope.counts} == {"app:shop": 2, "app:forum": 1}
        assert (envelope.pack_version, envelope.sealed_at_ms) == ("pack/1", 12_500)

    def test_ciphertext_opens_in_its_own_partition_only(self, sealer: Sealer, keyring: FolderKeyRing) -> None:
        envelope = Envelope.FromString(sealer.seal("oak", 1, [interaction(1)]).body)
        key = EpochKeys(keyring).opener(envelope.epoch_key_id)
        for partition in (1, 2):
            place = payload.associated_data(envelope.batch_id, envelope.brand, partition)
            if partition == envelope.partition:
                assert payload.decode(open_sealed(key, envelope.nonce, envelope.ciphertext, place)).interactions
            else:
                with pytest.raises(UnsealableError):
                    open_sealed(key, envelope.nonce, envelope.ciphertext, place)


class TestPublish:
    async def test_position_is_the_last_of_each_partition(
        self, stream: FakeStream, publisher: Callable[[int], Publisher]
    ) -> None:
        packed = [
            Parcel(0, [interaction(0)], 200 << 10),
            Parcel(1, [interaction(1)], 1),
            Parcel(0, [interaction(0)], 1),
        ]
        positions = await publisher(1 << 20).publish("oak", [*packed, Parcel(0, [interaction(0)], 200 << 10)])
        assert {position.partition for position in positions} == {0, 1}
        last = max(number for number, (subject, _) in enumerate(stream.appended, 1) if subject.endswith(".oak.0"))
        assert Position(0, last) in positions

    async def test_nothing_to_publish_is_no_message(
        self, stream: FakeStream, publisher: Callable[[int], Publisher]
    ) -> None:
        assert await publisher(1 << 20).publish("oak", []) == []
        assert stream.appended == []

    async def test_brands_have_subjects_of_their_own(
        self, stream: FakeStream, publisher: Callable[[int], Publisher]
    ) -> None:
        one = publisher(1 << 20)
        for brand in ("oak", "elm"):
            await one.publish(brand, parcels([interaction(0)], 4))
        assert [subject for subject, _ in stream.appended] == [
            "interaction.v1.received.oak.0",
            "interaction.v1.received.elm.0",
        ]

    async def test_failure_of_one_partition_fails_the_request(
        self, stream: FakeStream, publisher: Callable[[int], Publisher]
    ) -> None:
        stream.error = UnavailableError("away", retry_after_s=1)
        for first in ([0], [0, 1]):
            with pytest.raises(UnavailableError):
                await publisher(1 << 20).publish("oak", parcels([interaction(number) for number in first], 4))

    async def test_too_much_waiting_is_refused(self, stream: FakeStream, publisher: Callable[[int], Publisher]) -> None:
        stream.open.clear()
        one = publisher(1_000)
        first = asyncio.create_task(one.publish("oak", [Parcel(0, [interaction(0)], 900)]))
        await asyncio.sleep(0)
        with pytest.raises(ExhaustedError):
            await one.publish("oak", [Parcel(1, [interaction(1)], 200)])
        stream.open.set()
        await first
        await one.drain()
        assert len(stream.appended) == 1

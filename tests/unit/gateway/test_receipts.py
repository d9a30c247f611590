"""Receipts: every event is found again in its batch, by the source that was given the receipt and nobody else."""

import asyncio

import pytest

from contracts.interaction.v1.payload import Interaction, Quarantined
from doors.publish import Publisher, Sealer, parcels
from doors.subjects import EdgeKeys
from gateway import receipts
from gateway.domain import ReceiptUnknownError
from gateway.receipts import MOST_EVENTS, Run
from kit.epochs import EpochKeys
from kit.errors import InvalidArgumentError
from kit.keyring import FolderKeyRing
from kit.pseudonyms import Pseudonymiser

MARK = Pseudonymiser(b"k" * 32)
NOW_MS = 1_795_000_000_000


def interaction(first: int) -> Interaction:
    return Interaction("app:shop", bytes([first]) * 16, b"m" * 16, 1, 0, "web")


def refused(first: int) -> Quarantined:
    return Quarantined("app:shop", bytes([first]) * 16, "malformed", "")


class Stream:
    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def append(self, subject: str, body: bytes, headers: dict[str, str]) -> int:
        await self.is_open.wait()
        return 1


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def publisher(keyring: FolderKeyRing, stream: Stream) -> Publisher:
    return Publisher(stream, Sealer(EpochKeys(keyring), "pack/1"), max_waiting=1 << 20)


async def receipt_of(publisher: Publisher, *fates: Interaction | Quarantined) -> str:
    packed = parcels(fates, 4)
    await publisher.publish("oak", packed)
    return receipts.write(MARK, "oak", NOW_MS, packed)


class TestReceipt:
    async def test_each_event_has_its_place_in_the_payload(self, publisher: Publisher) -> None:
        text = await receipt_of(publisher, refused(0), interaction(1), interaction(0), interaction(4), refused(1))
        receipt = receipts.read(text, [MARK], "oak")
        runs = [receipt.runs[number] for number in receipt.events]
        assert [(run.partition, run.first) for run in runs] == [(0, 2), (1, 0), (0, 0), (0, 0), (1, 1)]
        assert len({run.batch_id for run in receipt.runs}) == 2
        assert receipt.accepted_at_ms == NOW_MS

    async def test_requests_that_share_a_batch_have_runs_of_their_own(
        self, publisher: Publisher, stream: Stream
    ) -> None:
        stream.is_open.clear()
        requests = [parcels(fates, 4) for fates in ([interaction(0)], [interaction(0), refused(0)], [refused(0)])]
        waiting = [asyncio.create_task(publisher.publish("oak", packed)) for packed in requests]
        await asyncio.sleep(0)
        stream.is_open.set()
        await asyncio.gather(*waiting)
        (first,), (second,), (third,) = requests
        assert first.batch_id != second.batch_id == third.batch_id
        assert (second.first_translated, second.first_refused, third.first_refused) == (0, 1, 2)

    async def test_no_event_is_a_receipt_too(self, publisher: Publisher) -> None:
        receipt = receipts.read(await receipt_of(publisher), [MARK], "oak")
        assert (receipt.runs, receipt.events) == ([], b"")

    async def test_single_event_is_short(self, publisher: Publisher) -> None:
        text = await receipt_of(publisher, interaction(0))
        assert len(text) <= 64
        assert receipts.read(text, [MARK], "oak").runs[0][1:] == Run(b"", 0, 0)[1:]

    async def test_more_events_than_an_address_holds_have_none(self, publisher: Publisher) -> None:
        assert await receipt_of(publisher, *[interaction(0)] * (MOST_EVENTS + 1)) == ""
        most = await receipt_of(publisher, *[interaction(number % 256) for number in range(MOST_EVENTS)])
        assert 0 < len(most) <= receipts.MOST_CHARACTERS

    async def test_only_its_own_source_and_brand_can_read_it(self, publisher: Publisher) -> None:
        text = await receipt_of(publisher, interaction(0))
        for mark, brand in ((Pseudonymiser(b"o" * 32), "oak"), (MARK, "elm")):
            with pytest.raises(ReceiptUnknownError):
                receipts.read(text, [mark], brand)
        assert receipts.read(text, [Pseudonymiser(b"o" * 32), MARK], "oak").runs

    async def test_changed_receipt_is_nobodys(self, publisher: Publisher) -> None:
        text = await receipt_of(publisher, interaction(0))
        with pytest.raises(ReceiptUnknownError):
            receipts.read(text[:20] + ("A" if text[20] != "A" else "B") + text[21:], [MARK], "oak")

    @pytest.mark.parametrize("text", ["", "x", "AQ", "not a receipt", "é" * 40, "Ag" + "A" * 60, "=" * 80, "%00"])
    def test_what_is_no_receipt_is_said_to_be_none(self, text: str) -> None:
        with pytest.raises(InvalidArgumentError) as refused:
            receipts.read(text, [MARK], "oak")
        assert refused.value.field == "receipt"


class TestKeys:
    def test_receipts_outlive_the_present_edge_key(self, keyring: FolderKeyRing) -> None:
        keyring.create("edge")
        before = EdgeKeys(keyring).of("app:shop").receipt(b"x")
        keyring.create("edge")
        marks = [keys.receipt(b"x") for keys in EdgeKeys(keyring).every("app:shop")]
        assert len(marks) == 2
        assert marks[1] == before

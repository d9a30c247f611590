import pytest

from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError, UnavailableError
from services.profile.domain import COLLECT
from services.profile.domain.errors import ReceiptExpiredError
from services.profile.repository import books as accounts
from services.profile.use_cases.receipts import Receipts, Run
from tests.integration.profile.door import BRAND, rejected

DAY_MS = 86_400_000


@pytest.fixture
def fates(room, clock):
    receipts = Receipts(room.stores, 2)

    async def fates(message, count, first=0, accepted_at_ms=None):
        run = Run(0, message.batch_id, first, count)
        (told,) = await receipts.read(BRAND, accepted_at_ms or clock(), [run])
        return [each.fate for each in told]

    return fates


class TestFates:
    async def test_each_event_of_a_batch_has_its_own(self, room, fates):
        await room.grant()
        twice = room.door.event()
        message = room.door.message(twice, room.door.event("bob"), twice, rejected=[rejected()])
        assert await fates(message, 4) == ["pending"] * 4
        await room.fold(message)
        assert await fates(message, 4) == ["stored", "suppressed", "duplicate", "quarantined"]
        assert await fates(message, 2, first=2) == ["duplicate", "quarantined"]

    async def test_they_add_up_to_the_books(self, room, fates):
        await room.grant()
        event, refused = room.door.event(), rejected()
        messages = [
            room.door.message(event, room.door.event("bob"), rejected=[refused]),
            room.door.message(event, room.door.event(), rejected=[refused, rejected()]),
        ]
        for message in messages:
            await room.fold(message)
        told = [*await fates(messages[0], 3), *await fates(messages[1], 4)]
        books = await room.books()
        assert {fate: told.count(fate) for fate in set(told)} == {
            fate: count for fate, count in books.items() if fate != "received"
        }
        assert len(told) == books["received"]

    async def test_a_batch_that_comes_again_keeps_its_first_fates(self, room, fates):
        await room.grant()
        message = room.door.message(room.door.event())
        await room.fold(message)
        await room.fold(message)
        await room.fold(room.door.again(message))
        assert await fates(message, 1) == ["stored"]

    async def test_the_same_events_in_another_batch_are_duplicates(self, room, fates):
        await room.grant()
        event, refused = room.door.event(), rejected()
        await room.fold(room.door.message(event, rejected=[refused]))
        again = room.door.message(event, rejected=[refused])
        await room.fold(again)
        assert await fates(again, 2) == ["duplicate", "duplicate"]

    async def test_the_copy_in_the_fold_behind_is_a_duplicate(self, room, fates):
        await room.grant()
        event = room.door.event()
        messages = [room.door.message(event), room.door.message(event)]
        await room.fold(*messages)
        assert [await fates(message, 1) for message in messages] == [["stored"], ["duplicate"]]

    async def test_all_of_a_poisoned_message_is_quarantined_for_its_reason(self, room):
        poison = room.door.message(room.door.event(), room.door.event(), epoch_key_id="4711")
        await room.fold(poison)
        ((first, second),) = await Receipts(room.stores, 2).read(BRAND, 0, [Run(0, poison.batch_id, 0, 2)])
        assert first == second == ("quarantined", "KEY_MISSING", "")

    async def test_what_poison_says_of_its_size_takes_no_room(self, room):
        from contracts.interaction.v1.interaction_pb2 import SourceCount

        counts = [SourceCount(source="app:shop", received=4_000_000_000)]
        await room.fold(room.door.message(room.door.event(), counts=counts))
        (row,) = await room.rows("SELECT fates FROM batches")
        assert len(row["fates"]) == 1

    async def test_a_fold_that_failed_leaves_none_and_its_repetition_all(self, room, fates, monkeypatch):
        await room.grant("ada", COLLECT)
        message = room.door.message(room.door.event(), room.door.event("bob"))
        close = accounts.close

        async def closed_and_failed(*arguments):
            await close(*arguments)
            raise UnavailableError

        with monkeypatch.context() as patch:
            patch.setattr(accounts, "close", closed_and_failed)
            with pytest.raises(UnavailableError):
                await room.fold(message)
        assert await fates(message, 2) == ["pending", "pending"]
        await room.fold(message)
        assert await fates(message, 2) == ["stored", "suppressed"]


class TestForgetting:
    async def test_fates_go_with_the_days_of_message_ids_and_then_the_receipt_is_expired(self, room, fates, clock):
        message = room.door.message(room.door.event())
        accepted_at_ms = clock()
        await room.fold(message)
        clock.ms += 5 * DAY_MS
        await room.days.turn()
        assert await fates(message, 1, accepted_at_ms=accepted_at_ms) == ["suppressed"]
        await room.fold(room.door.message(room.door.event()))
        await room.days.turn()
        with pytest.raises(ReceiptExpiredError):
            await fates(message, 1, accepted_at_ms=accepted_at_ms)

    async def test_what_a_folder_has_not_reached_is_pending_however_old(self, room, fates, clock):
        await room.fold(room.door.message(room.door.event()))
        late = room.door.message(room.door.event())
        accepted_at_ms = clock()
        clock.ms += 9 * DAY_MS
        assert await fates(late, 1, accepted_at_ms=accepted_at_ms) == ["pending"]

    async def test_what_was_folded_before_fates_were_kept_is_expired(self, room, fates):
        message = room.door.message(room.door.event())
        await room.fold(message)
        await room.rows("UPDATE batches SET fates = '' RETURNING 1")
        with pytest.raises(ReceiptExpiredError):
            await fates(message, 1)


class TestReadFates:
    async def test_runs_are_answered_in_the_order_asked(self, profile, room, clock):
        await room.grant()
        message = room.door.message(room.door.event("bob"), room.door.event())
        await room.fold(message)
        runs = [
            contract.Run(partition=0, batch_id=message.batch_id, first=1, count=1),
            contract.Run(partition=0, batch_id=b"x" * 16, first=0, count=2),
            contract.Run(partition=0, batch_id=message.batch_id, first=0, count=1),
        ]
        answer = await profile.ReadFates(contract.ReadFatesRequest(brand=BRAND, accepted_at_ms=clock(), runs=runs))
        assert [[each.fate for each in run.fates] for run in answer.runs] == [
            ["stored"],
            ["pending", "pending"],
            ["suppressed"],
        ]

    async def test_brands_are_kept_apart(self, profile, room, clock):
        message = room.door.message(room.door.event())
        await room.fold(message)
        run = contract.Run(partition=0, batch_id=message.batch_id, count=1)
        answer = await profile.ReadFates(contract.ReadFatesRequest(brand="elm", accepted_at_ms=clock(), runs=[run]))
        assert [each.fate for each in answer.runs[0].fates] == ["pending"]

    @pytest.mark.parametrize(
        "runs",
        [
            [contract.Run(batch_id=b"short", count=1)],
            [contract.Run(batch_id=b"b" * 16, count=1, partition=64)],
            [contract.Run(batch_id=b"b" * 16, count=10_001)],
            [contract.Run(batch_id=b"b" * 16, count=1)] * 256,
        ],
    )
    async def test_what_no_receipt_says_is_refused(self, profile, runs):
        with pytest.raises(RemoteError) as refused:
            await profile.ReadFates(contract.ReadFatesRequest(brand=BRAND, runs=runs))
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", "runs")

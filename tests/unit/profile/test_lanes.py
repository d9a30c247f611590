import asyncio

from services.profile.domain import Batch, Partition
from services.profile.lanes import Lane, is_enough, take_turns
from services.profile.use_cases.parts import Owner

SOURCE = "app:shop"


def lane() -> Lane:
    return Lane(Owner(Partition("oak", 0), "stream", 1), 1_000, asyncio.Event())


def batch(sequence: int, events: int) -> Batch:
    return Batch(sequence, bytes(16), 0, ((SOURCE, events),), (), ())


class TestWaiting:
    async def test_what_is_in_a_fold_waits_no_more(self) -> None:
        filled = lane()
        for sequence, events in ((1, 5), (2, 7), (3, 11)):
            await filled.put(batch(sequence, events))
        take_turns([filled], 2, 100)
        assert filled.events_more == 11

    async def test_what_is_committed_is_forgotten(self) -> None:
        filled = lane()
        for sequence, events in ((1, 5), (2, 7), (3, 11)):
            await filled.put(batch(sequence, events))
        take_turns([filled], 2, 100)
        filled.let_go(1)
        assert filled.events_more == 11
        filled.give_back()
        assert filled.events_more == 18


class TestBeside:
    async def test_a_fifth_of_the_largest_fold_is_enough(self) -> None:
        one, other = lane(), lane()
        await one.put(batch(1, 10))
        await other.put(batch(1, 9))
        assert not is_enough([one, other], 100)
        await other.put(batch(2, 1))
        assert is_enough([one, other], 100)

    async def test_nothing_is_never_enough(self) -> None:
        assert not is_enough([lane()], 1)

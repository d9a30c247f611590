import asyncio
from collections.abc import Mapping

import pytest

from kit.errors import UnavailableError
from kit.tallies import Counted, Tally
from kit.testing import eventually


class Book:
    """Where a tally is written, unless it is away."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Counted]] = []
        self.is_away = False

    async def write(self, counted: Mapping[str, Counted]) -> None:
        if self.is_away:
            raise UnavailableError
        self.lines.append(dict(counted))


@pytest.fixture
def book() -> Book:
    return Book()


class TestTally:
    async def test_what_was_counted_leaves_once(self, book: Book) -> None:
        tally: Tally[str] = Tally("test")
        for at_ms in (5, 3, 9):
            tally.add("a", at_ms)
        await tally.flush(book.write)
        await tally.flush(book.write)
        assert book.lines == [{"a": Counted(3, 3, 9)}]

    async def test_what_could_not_be_written_is_counted_still(self, book: Book) -> None:
        tally: Tally[str] = Tally("test")
        tally.add("a", 1)
        book.is_away = True
        with pytest.raises(UnavailableError):
            await tally.flush(book.write)
        tally.add("a", 2)
        book.is_away = False
        await tally.flush(book.write)
        assert book.lines == [{"a": Counted(2, 1, 2)}]

    async def test_it_is_bounded(self, book: Book) -> None:
        tally: Tally[str] = Tally("test", most=2)
        for key in ("a", "b", "c", "a"):
            tally.add(key, 1)
        await tally.flush(book.write)
        assert {key: counted.times for key, counted in book.lines[0].items()} == {"a": 2, "b": 1}

    async def test_it_goes_on_after_trouble(self, book: Book) -> None:
        tally: Tally[str] = Tally("test")
        tally.add("a", 1)
        book.is_away = True
        running = asyncio.create_task(tally.run(book.write, 0.001))
        await asyncio.sleep(0)
        book.is_away = False
        await eventually(lambda: book.lines)
        running.cancel()
        assert book.lines == [{"a": Counted(1, 1, 1)}]

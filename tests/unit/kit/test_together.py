"""Look-ups together: who comes while one is on its way shares the next, and sees what was committed before it came."""

import asyncio
from collections.abc import Sequence

import pytest

from kit import tenancy, together
from kit.errors import NotFoundError, UnavailableError
from kit.tenancy import acting_for
from kit.together import Together


class FakeTable:
    """Says by key what it holds once it is told to, so that the tests decide what is on its way."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.statements: list[tuple[str, list[str]]] = []
        self.answer = asyncio.Event()
        self.error: Exception | None = None

    async def look_up(self, brand: str, keys: Sequence[str]) -> dict[str, str]:
        self.statements.append((brand, list(keys)))
        seen = dict(self.rows)
        await self.answer.wait()
        if self.error:
            raise self.error
        return {key: seen[key] for key in keys if key in seen}


async def asked(look_ups: Together[str, dict[str, str]], *keys: str, brand: str = "oak") -> list[asyncio.Task[object]]:
    tasks = [asyncio.create_task(look_ups.ask(brand, [key])) for key in keys]
    for _ in range(5):
        await asyncio.sleep(0)
    return list(tasks)


class TestAsk:
    async def test_who_comes_while_one_is_on_its_way_shares_the_next(self) -> None:
        table = FakeTable()
        table.rows = dict.fromkeys("abc", "known")
        tasks = await asked(Together(table.look_up), "a", "b", "c", "nobody")
        table.answer.set()
        assert (await asyncio.gather(*tasks))[1:] == [{"b": "known", "c": "known"}] * 3
        assert table.statements == [("oak", ["a"]), ("oak", ["b", "c", "nobody"])]

    async def test_who_comes_later_sees_what_was_committed_meanwhile(self) -> None:
        table = FakeTable()
        look_ups = Together(table.look_up)
        before = await asked(look_ups, "a")
        table.rows["a"] = "committed"
        after = await asked(look_ups, "a")
        table.answer.set()
        assert await asyncio.gather(*before, *after) == [{}, {"a": "committed"}]

    async def test_an_error_reaches_who_shared_it_and_nobody_else(self) -> None:
        table = FakeTable()
        look_ups = Together(table.look_up)
        table.error = NotFoundError()
        tasks = await asked(look_ups, "a")
        table.answer.set()
        with pytest.raises(NotFoundError):
            await tasks[0]
        table.error = None
        assert await look_ups.ask("oak", ["a"]) == {}

    async def test_who_leaves_takes_nobody_along(self) -> None:
        table = FakeTable()
        table.rows = {"b": "known"}
        leaving, staying = await asked(Together(table.look_up), "a", "b")
        leaving.cancel()
        table.answer.set()
        assert await staying == {"b": "known"}

    async def test_brands_are_asked_about_apart_each_on_its_own_behalf(self) -> None:
        acted_for = []

        async def look_up(brand: str, _keys: Sequence[str]) -> None:
            acted_for.append((brand, tenancy.acted_for()))

        look_ups: Together[str, None] = Together(look_up)
        with acting_for("oak"):
            both = (look_ups.ask("oak", ["a"]), look_ups.ask("elm", ["a"]))
            await asyncio.gather(*both, look_ups.ask("elm", ["b"]))
        assert acted_for == [("oak", "oak"), ("elm", "elm"), ("elm", "elm")]

    async def test_a_silent_server_keeps_nobody_waiting_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(together, "_PATIENCE_S", 0.01)
        table = FakeTable()
        for task in await asked(Together(table.look_up), "a", "b"):
            with pytest.raises(UnavailableError):
                await task

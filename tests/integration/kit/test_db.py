import asyncio
import random

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from kit.db import Database, after_commit, raw
from kit.errors import Status, UnavailableError
from kit.tenancy import acting_for
from kit.testing import eventually


@pytest.fixture
async def room(empty_database_url):
    database = Database(empty_database_url, pool_size=2)
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE thing (id int PRIMARY KEY)"))
    yield database
    await database.dispose()


async def things(database) -> list[int]:
    async with database.reading() as connection:
        return list(await connection.scalars(text("SELECT id FROM thing ORDER BY id")))


async def add(connection, number: int) -> None:
    await connection.execute(text("INSERT INTO thing VALUES (:number)"), {"number": number})


class TestNote:
    async def test_readers_see_it_at_once(self, room):
        await room.note("INSERT INTO thing VALUES ($1)", 1)
        assert await things(room) == [1]

    async def test_nobody_waits_for_the_disk(self, room):
        ((name,),) = await room.fetch("SELECT current_database()")
        await room.fetch(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        await room.dispose()
        for run, waits in ((room.note, "off"), (room.fetch, "on")):
            ((found,),) = await run("SELECT current_setting('synchronous_commit')")
            assert found == waits


class TestFetch:
    async def test_each_statement_commits_by_itself(self, room):
        await room.fetch("INSERT INTO thing VALUES ($1)", 1)
        assert [row["id"] for row in await room.fetch("SELECT id FROM thing WHERE id = $1", 1)] == [1]
        assert await things(room) == [1]

    async def test_an_error_of_the_statement_passes_through_and_the_next_one_works(self, room):
        await room.fetch("INSERT INTO thing VALUES (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await room.fetch("INSERT INTO thing VALUES (1)")
        assert await things(room) == [1]

    async def test_a_cancelled_statement_leaves_nothing_for_the_next(self, room):
        running = [asyncio.create_task(room.fetch("SELECT pg_sleep(30)")) for _ in range(2)]
        async with room.reading() as connection:
            sleeping = text("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'")

            async def both() -> bool:
                return await connection.scalar(sleeping) == len(running)

            await eventually(both)
        for task in running:
            task.cancel()
        outcomes = await asyncio.gather(*running, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        assert [row[0] for row in await room.fetch("SELECT 1")] == [1]

    async def test_a_connection_the_server_closed_is_replaced(self, room):
        ((ours,),) = await room.fetch("SELECT pg_backend_pid()")
        async with room.reading() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": ours})

        async def answered() -> bool:
            try:
                return bool(await room.fetch("SELECT 1"))
            except UnavailableError:
                return False

        await eventually(answered)

    async def test_a_session_goes_on_working_for_whom_it_was_told(self, room):
        who = "SELECT pg_backend_pid(), current_setting('maskenball.brand')"

        async def run(brand):
            with acting_for(brand):
                return await room.fetch(who)

        at_once = await asyncio.gather(run("oak"), run("elm"))
        assert [[tuple(each)[1] for each in rows] for rows in at_once] == [["oak"], ["elm"]]
        # Whichever comes first, and whichever was used last.
        assert [await run(brand) for brand in ("oak", "elm", "elm", "oak")] == [at_once[i] for i in (0, 1, 1, 0)]

    async def test_nobody_there_is_unavailable(self, empty_database_url):
        gone = Database(empty_database_url.rpartition("@")[0] + "@127.0.0.1:1/none")
        with pytest.raises(UnavailableError):
            await gone.fetch("SELECT 1")


class TestTransaction:
    async def test_leaving_commits(self, room):
        async with room.transaction() as connection:
            await add(connection, 1)
        assert await things(room) == [1]

    async def test_raising_rolls_back(self, room):
        with pytest.raises(ZeroDivisionError):
            async with room.transaction() as connection:
                await add(connection, 1)
                raise ZeroDivisionError
        assert await things(room) == []

    async def test_an_error_of_the_statement_passes_through(self, room):
        with pytest.raises(IntegrityError):
            async with room.transaction() as connection:
                await add(connection, 1)
                await add(connection, 1)

    async def test_an_error_does_not_show_values(self, room):
        with pytest.raises(DBAPIError) as caught:
            async with room.transaction() as connection:
                await connection.execute(text("SELECT 1 / :number, 4711 / :zero"), {"number": 8154711, "zero": 0})
        assert "8154711" not in str(caught.value)

    @pytest.mark.parametrize("statement", ["SELECT pg_sleep(30)", "SELECT pg_sleep(0.2)"])
    async def test_cancelling_stays_a_cancellation(self, room, statement):
        begun = asyncio.Event()

        async def work() -> None:
            async with room.transaction() as connection:
                await add(connection, 1)
                begun.set()
                await connection.execute(text(statement))

        task = asyncio.create_task(work())
        await begun.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await things(room) == []

    async def test_the_pool_survives_many_cancellations(self, room):
        async def work() -> None:
            async with room.transaction() as connection:
                await connection.execute(text("SELECT pg_sleep(30)"))

        for _ in range(6):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(work(), 0.05)
        assert await things(room) == []


class TestCutOff:
    @pytest.fixture
    async def counted(self, room):
        async with room.transaction() as connection:
            await connection.execute(text("CREATE TABLE counted (id int PRIMARY KEY, n int)"))
            await connection.execute(text("INSERT INTO counted VALUES (1, 0)"))
        return room

    @pytest.mark.parametrize("seed", range(3))
    async def test_transactions_cut_off_anywhere_keep_no_lock_and_lose_no_commit(self, counted, seed):
        chance, committed = random.Random(seed), 0

        async def count() -> None:
            nonlocal committed
            async with counted.transaction() as connection:
                driver = await raw(connection)
                await driver.fetch("SELECT n FROM counted WHERE id = 1 FOR UPDATE")
                await driver.execute("UPDATE counted SET n = n + 1")
            committed += 1

        async def cut_off() -> None:
            for _ in range(40):
                task = asyncio.create_task(count())
                await asyncio.sleep(chance.random() * 0.006)
                if chance.random() < 0.7:
                    task.cancel()
                await asyncio.wait([task])

        await asyncio.gather(*(cut_off() for _ in range(6)))
        ((found,),) = await counted.fetch("SELECT n FROM counted")
        # A commit that was cut off may have come about, and one that was not has.
        assert found >= committed > 0
        await asyncio.wait_for(count(), 5)

    async def test_the_locks_of_a_process_that_stopped_are_let_go(self, room):
        async with room.transaction() as connection:
            assert await connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"


class TestAfterCommit:
    async def test_is_called_once_after_the_commit(self, room):
        called: list[str] = []

        def call() -> None:
            called.append("now")

        async with room.transaction() as connection:
            after_commit(connection, call)
            after_commit(connection, call)
            assert called == []
        assert called == ["now"]

    async def test_is_not_called_after_a_rollback(self, room):
        called: list[str] = []
        with pytest.raises(ZeroDivisionError):
            async with room.transaction() as connection:
                after_commit(connection, lambda: called.append("now"))
                raise ZeroDivisionError
        async with room.transaction() as connection:
            await add(connection, 1)
        assert called == []


class TestReading:
    async def test_cannot_write(self, room):
        with pytest.raises(DBAPIError):
            async with room.reading() as connection:
                await add(connection, 1)

    async def test_every_statement_sees_its_own_snapshot(self, room):
        async with room.reading() as reader:
            before = await reader.scalar(text("SELECT count(*) FROM thing"))
            async with room.transaction() as writer:
                await add(writer, 1)
            assert (before, await reader.scalar(text("SELECT count(*) FROM thing"))) == (0, 1)


class TestRaw:
    async def test_bulk_work_that_comes_first_is_in_the_transaction(self, room):
        with pytest.raises(ZeroDivisionError):
            async with room.transaction() as connection:
                driver = await raw(connection)
                await driver.copy_records_to_table("thing", records=[(1,), (2,)])
                raise ZeroDivisionError
        assert await things(room) == []

    async def test_bulk_work_and_statements_commit_together(self, room):
        async with room.transaction() as connection:
            await (await raw(connection)).copy_records_to_table("thing", records=[(1,)])
            await add(connection, 2)
            await (await raw(connection)).execute("INSERT INTO thing SELECT unnest($1::int[])", [3, 4])
        assert await things(room) == [1, 2, 3, 4]

    async def test_reading_needs_no_transaction(self, room):
        async with room.reading() as connection:
            assert await (await raw(connection)).fetchval("SELECT count(*) FROM thing") == 0


class TestLosses:
    async def test_no_server_is_unavailable(self):
        database = Database("postgresql://nobody@127.0.0.1:1/nothing")
        with pytest.raises(UnavailableError) as caught:
            await database.ping()
        assert (caught.value.status, caught.value.retry_after_s) == (Status.UNAVAILABLE, 1)
        await database.dispose()

    async def test_a_cut_connection_is_unavailable_once(self, room):
        cut = text("SELECT pg_terminate_backend(:pid)")
        async with room.transaction() as other:
            with pytest.raises(UnavailableError):
                async with room.transaction() as connection:
                    pid = await connection.scalar(text("SELECT pg_backend_pid()"))
                    await other.execute(cut, {"pid": pid})
                    await add(connection, 1)
        async with room.transaction() as connection:
            await add(connection, 2)
        assert await things(room) == [2]

    async def test_bulk_work_on_a_cut_connection_is_unavailable(self, room):
        async with room.transaction() as other:
            with pytest.raises(UnavailableError):
                async with room.transaction() as connection:
                    driver = await raw(connection)
                    await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": driver.get_server_pid()})
                    await driver.fetch("SELECT pg_sleep(1)")

    async def test_a_connection_cut_below_the_pool_is_replaced(self, room):
        async with room.reading() as connection:
            driver = await raw(connection)
            async with room.transaction() as other:
                await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": driver.get_server_pid()})
            await eventually(driver.is_closed)
        await room.ping()

    async def test_a_full_pool_is_unavailable(self, room, monkeypatch):
        monkeypatch.setattr("kit.db._POOL_WAIT_S", 0.05)
        small = Database(room.engine.url.render_as_string(hide_password=False), pool_size=1)
        async with small.transaction() as connection:
            await connection.execute(text("SELECT 1"))
            with pytest.raises(UnavailableError):
                async with small.transaction() as second:
                    await second.execute(text("SELECT 1"))
        await small.dispose()

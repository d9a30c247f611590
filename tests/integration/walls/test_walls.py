"""The wall between brands in every database, as the roles that processes sign in as."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from kit.db import Database, raw
from kit.tenancy import TenantError, acting_for, acting_for_every_brand
from kit.testing import Databases
from services.profile.repository.ledger import create_day

#: What a table says of which no row is ever changed, whosever it is.
_APPEND_ONLY = asyncpg.RaiseError
ROOMS = ("vault", "profile", "consent", "recommendation", "avatar")
_BEHIND = """
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attname = 'brand' ORDER BY 1
"""
# A row of the brand with something in every column that needs it.
_PLANT = """
    DO $$
    DECLARE
        found record;
        columns text;
        filled text;
    BEGIN
        FOR found IN
            SELECT c.oid, c.oid::regclass AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND a.attname = 'brand'
            ORDER BY EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND contype = 'f')
        LOOP
            SELECT string_agg(quote_ident(attname), ','), string_agg(
                CASE WHEN attname = 'brand' THEN quote_literal('{brand}')
                    WHEN t.typcategory = 'N' THEN '1' WHEN t.typcategory = 'A' THEN quote_literal('{{}}')
                    WHEN t.typname = 'bytea' THEN quote_literal('\\x' || encode('{brand}'::bytea, 'hex'))
                    WHEN t.typname = 'date' THEN quote_literal('2026-01-01')
                    WHEN t.typname = 'jsonb' THEN quote_literal('{{}}')
                    WHEN t.typname = 'bool' THEN 'false' WHEN t.typname = 'timestamptz' THEN 'now()'
                    ELSE quote_literal('{brand}') END, ',')
            INTO columns, filled
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            WHERE attrelid = found.oid AND attnum > 0 AND NOT attisdropped AND attnotnull AND attidentity = '';
            EXECUTE format('INSERT INTO %s (%s) VALUES (%s)', found.name, columns, filled);
        END LOOP;
    END $$
"""
_PART = "CREATE TABLE batches_20260101 PARTITION OF batches FOR VALUES IN ('2026-01-01')"


@pytest.fixture(scope="module", params=ROOMS)
def planted(request: pytest.FixtureRequest, databases: Databases, migrations: Mapping[str, Path]) -> tuple[str, str]:
    """Room and URL, as its owner, of a database with a row of two brands in every table that has brands."""
    assert set(ROOMS) == set(migrations)
    return request.param, databases.fresh(request.param)


@pytest.fixture
async def owner(planted: tuple[str, str]) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(planted[1])
    yield connection
    await connection.close()


@pytest.fixture
async def tables(planted: tuple[str, str], owner: asyncpg.Connection) -> list[str]:
    names = [name for (name,) in await owner.fetch(_BEHIND)]
    if not await owner.fetchval(f"SELECT count(*) FROM {names[0]}"):
        if planted[0] == "profile":
            await owner.execute(_PART)
        for brand in ("oak", "elm"):
            await owner.execute(_PLANT.format(brand=brand))
    return [name for (name,) in await owner.fetch(_BEHIND)]


@pytest.fixture
async def service(planted: tuple[str, str], databases: Databases) -> AsyncIterator[Database]:
    """The database, as a process of the room has it."""
    database = Database(databases.as_service(*planted), pool_size=1)
    yield database
    await database.dispose()


async def _brands(service: Database, table: str) -> list[str]:
    return [brand for (brand,) in await service.fetch(f"SELECT DISTINCT brand FROM {table} ORDER BY 1")]


class TestRoles:
    async def test_no_role_of_a_process_owns_what_has_brands_or_passes_the_wall(
        self, planted: tuple[str, str], owner: asyncpg.Connection, tables: list[str]
    ) -> None:
        room, _ = planted
        roles = await owner.fetch(
            "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = ANY ($1)",
            [room, f"{room}_worker"],
        )
        owners = await owner.fetch("SELECT DISTINCT tableowner FROM pg_tables WHERE tablename = ANY ($1)", tables)
        assert dict(map(tuple, roles)) == {room: False, f"{room}_worker": False}
        assert room not in {name for (name,) in owners}

    async def test_every_table_with_a_brand_is_behind_the_wall(
        self, owner: asyncpg.Connection, tables: list[str]
    ) -> None:
        open_ = await owner.fetch(
            "SELECT relname FROM pg_class WHERE relname = ANY ($1) AND (NOT relrowsecurity OR NOT EXISTS ("
            "SELECT FROM pg_policy WHERE polrelid = pg_class.oid))",
            tables,
        )
        assert tables
        assert not open_


class TestReading:
    async def test_a_session_that_was_told_no_brand_is_refused(self, service: Database, tables: list[str]) -> None:
        for table in tables:
            with pytest.raises(TenantError):
                await service.fetch(f"SELECT count(*) FROM {table}")

    async def test_an_empty_brand_is_none(self, service: Database, tables: list[str]) -> None:
        for table in tables:
            with acting_for("oak"):
                await service.ping()
            with acting_for(""), pytest.raises(TenantError):
                await service.fetch(f"SELECT count(*) FROM {table}")

    async def test_a_brand_sees_its_own_rows_whatever_the_statement_asks_for(
        self, service: Database, tables: list[str]
    ) -> None:
        for table in tables:
            for brand in ("oak", "elm"):
                with acting_for(brand):
                    assert await _brands(service, table) == [brand]
                    async with service.reading() as reading:
                        others = await reading.execute(text(f"SELECT 1 FROM {table} WHERE brand <> '{brand}'"))
                        assert not others.all()

    async def test_a_brand_of_any_name_is_one_brand(self, service: Database, tables: list[str]) -> None:
        for name in ("*", "None", "oak' OR true --", "profile_worker"):
            with acting_for(name):
                assert await _brands(service, tables[-1]) == []

    async def test_work_for_every_brand_says_so(self, service: Database, tables: list[str]) -> None:
        for table in tables:
            with acting_for_every_brand():
                assert await _brands(service, table) == ["elm", "oak"]
            with acting_for("oak"):
                assert "elm" not in await _brands(service, table)


class TestWriting:
    async def test_a_row_of_another_brand_is_refused(self, service: Database, tables: list[str]) -> None:
        for table in tables:
            with acting_for("oak"), pytest.raises((TenantError, _APPEND_ONLY)):
                await service.fetch(f"UPDATE {table} SET brand = 'elm' WHERE brand = 'oak'")

    async def test_rows_of_another_brand_are_not_there_to_be_changed_or_deleted(
        self, service: Database, owner: asyncpg.Connection, tables: list[str]
    ) -> None:
        for table in tables:
            with acting_for("oak"):
                for statement in (f"UPDATE {table} SET brand = brand", f"DELETE FROM {table}"):
                    with contextlib.suppress(_APPEND_ONLY):
                        assert await service.fetch(f"{statement} WHERE brand = 'elm' RETURNING 1") == []
            assert await owner.fetchval(f"SELECT count(*) FROM {table} WHERE brand = 'elm'") == 1

    async def test_the_wall_cannot_be_taken_down(self, service: Database, tables: list[str]) -> None:
        for table in tables:
            for statement in (
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
                f"DROP TABLE {table}",
                f"TRUNCATE {table}",
            ):
                with acting_for("oak"), pytest.raises((TenantError, asyncpg.PostgresError)):
                    await service.fetch(statement)


class TestParts:
    async def test_a_part_of_a_table_is_no_way_around_the_wall(self, databases: Databases) -> None:
        url = databases.fresh("profile")
        worker, brand = Database(databases.as_service("profile", url)), Database(databases.as_service("profile", url))
        with acting_for_every_brand():
            async with worker.transaction() as transaction:
                await create_day(await raw(transaction), dt.date(2026, 1, 2))
        with acting_for("oak"), pytest.raises(TenantError):
            await brand.fetch("SELECT FROM batches_20260102")
        await worker.dispose()
        await brand.dispose()


class TestSessions:
    async def test_what_is_rolled_back_takes_no_brand_with_it(self, service: Database, tables: list[str]) -> None:
        with acting_for("oak"):
            assert await _brands(service, tables[0])
        with acting_for("elm"):
            with pytest.raises(ValueError, match="no more"):
                async with service.transaction():
                    raise ValueError("no more")
            async with service.transaction() as transaction:
                found = await transaction.execute(text(f"SELECT DISTINCT brand FROM {tables[0]}"))
                assert found.scalars().all() == ["elm"]

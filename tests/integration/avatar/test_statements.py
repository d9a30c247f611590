"""How many statements an open takes, as PostgreSQL hears them: whatever is asked anew with each visitor shows here."""

import re

import pytest

from kit.testing import eventually

# Of a statement the first table it names.
_TABLE = re.compile(r"\b(?:FROM|INTO) (bindings|personas|facets|current_consents|memories|encounters)\b")


@pytest.fixture
def database_url(databases, postgres):
    """Databases whose statements are all in the server's log."""

    def fresh(room):
        url = databases.fresh(room)
        postgres.sql(f"ALTER DATABASE \"{url.rpartition('/')[2]}\" SET log_statement = 'all'")
        return url

    yield fresh
    databases.drop_all()


@pytest.fixture
def heard(postgres):
    """Return what was heard of the tables that an open reads and writes since the last call, a table a statement."""
    place = 0

    def since():
        nonlocal place
        log = postgres.log.read_text(encoding="utf-8", errors="replace")
        told, place = log[place:], len(log)
        statements = (_TABLE.search(each) for each in re.split(r"LOG:  (?:statement|execute)", told)[1:])
        return sorted(found[1] for found in statements if found)

    since()
    return since


class TestOpen:
    async def test_a_first_one_takes_three_and_one_of_a_visitor_met_a_moment_ago_one(self, real_street, door, heard):
        async def met():
            visitor = real_street.visitor()
            visit = real_street.visit(visitor)
            await visit.open()
            await visit.consent(give=["personalise.world", "remember.conversation"])
            heard()
            await door.open(visitor)
            return visitor

        async def is_met_in_three():
            # What was granted is known where it is read, unless the machine let the lease run out meanwhile.
            await met()
            return heard() == ["bindings", "facets", "memories"]

        await eventually(is_met_in_three)
        visitor = await met()
        await eventually(lambda: door.is_warm(visitor))
        await door.reception.drain()
        heard()
        await door.open(visitor)
        # The door has answered already: this is what it tells behind the answer.
        await door.reception.drain()
        assert heard() == ["encounters"]

"""The brand's catalogue: put, list, and a copy in memory that is searched by title."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from kit.db import Database
from services.avatar import repository, statements
from services.avatar.domain import Item
from services.avatar.knowledge import Catalogue

#: Items kept by name for each brand, beside whole copies.
_MOST_NAMED = 10_000


class Catalogues:
    """Copies of catalogues, each checked against the truth before it is used."""

    def __init__(self) -> None:
        self._copies: dict[str, tuple[int, Catalogue]] = {}
        self._named: dict[str, tuple[int, dict[str, Item]]] = {}

    async def read(self, connection: AsyncConnection, brand: str) -> Catalogue:
        # The number is read before the items: items that come in between are read again next time.
        revision = await repository.read_revision(connection, brand)
        copy = self._copies.get(brand)
        if copy is None or copy[0] != revision:
            copy = revision, Catalogue(await repository.read_catalogue(connection, brand))
            self._copies[brand] = copy
        return copy[1]

    async def named(self, database: Database, brand: str, revision: int, wanted: Collection[str]) -> dict[str, Item]:
        """Return the known ones of these items; `revision` was read from the truth just before."""
        held = self._named.get(brand)
        if held is None or held[0] != revision or len(held[1]) > _MOST_NAMED:
            held = self._named[brand] = revision, {}
        missing = [item for item in wanted if item not in held[1]]
        if missing:
            held[1].update((item.item, item) for item in await statements.list_items(database, brand, missing))
        return {item: held[1][item] for item in wanted if item in held[1]}


async def put_items(connection: AsyncConnection, brand: str, items: Sequence[Item]) -> int:
    """Add or replace items, the last of those with the same id; return how many the brand has now."""
    return await repository.put_items(connection, brand, list({item.item: item for item in items}.values()))


async def list_items(connection: AsyncConnection, brand: str, ids: Iterable[str]) -> list[Item]:
    """Return the known items in the order asked."""
    asked = list(ids)
    known = await repository.list_items(connection, brand, asked)
    return [known[item] for item in asked if item in known]

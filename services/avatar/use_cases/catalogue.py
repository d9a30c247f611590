"""The brand's catalogue: put, list, and a copy in memory that is searched by title."""

from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.avatar import repository
from services.avatar.domain import Item
from services.avatar.knowledge import Catalogue


class Catalogues:
    """Copies of catalogues, each checked against the truth before it is used."""

    def __init__(self) -> None:
        self._copies: dict[str, tuple[int, Catalogue]] = {}

    async def read(self, connection: AsyncConnection, brand: str) -> Catalogue:
        # The number is read before the items: items that come in between are read again next time.
        revision = await repository.read_revision(connection, brand)
        copy = self._copies.get(brand)
        if copy is None or copy[0] != revision:
            copy = revision, Catalogue(await repository.read_catalogue(connection, brand))
            self._copies[brand] = copy
        return copy[1]


async def put_items(connection: AsyncConnection, brand: str, items: Sequence[Item]) -> int:
    """Add or replace items, the last of those with the same id; return how many the brand has now."""
    return await repository.put_items(connection, brand, list({item.item: item for item in items}.values()))


async def list_items(connection: AsyncConnection, brand: str, ids: Iterable[str]) -> list[Item]:
    """Return the known items in the order asked."""
    asked = list(ids)
    known = await repository.list_items(connection, brand, asked)
    return [known[item] for item in asked if item in known]

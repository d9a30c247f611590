"""Goes through the personas of a brand, page by page, for counting: those alone who allow it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from kit.keyring import KeyMissingError
from kit.sealing import UnsealableError
from services.profile import relations, sealed, tails
from services.profile.choices import Choices
from services.profile.domain import SHARDS
from services.profile.repository import facets, histories
from services.profile.repository.histories import Kept
from services.profile.tails import Tailed
from services.profile.traits import Traits
from services.profile.use_cases.stores import Stores
from services.profile.views import View

#: Opening one page holds the loop for a few milliseconds.
PAGE = 16
# Objections and declarations are looked at where a persona is told of: what is counted names nobody.
_NOTHING_CHOSEN = Choices()


@dataclass(frozen=True, slots=True)
class Survey:
    """Whose views are wanted: under all of these purposes, of one audience or of all (""), of so many pages a shard."""

    brand: str
    purposes: tuple[str, ...]
    audience: str = ""
    most_pages: int | None = None


async def views(stores: Stores, survey: Survey) -> AsyncIterator[tuple[Kept, View]]:
    """Yield facets with their audience and their view, uncoarsened; what may not be read is not looked at."""
    pack = stores.packs.of(survey.brand)
    async for kept, traits in facets_of(stores, survey):
        yield kept, relations.seen(pack, traits, _NOTHING_CHOSEN, stores.now_ms())


async def facets_of(stores: Stores, survey: Survey) -> AsyncIterator[tuple[Kept, Traits]]:
    """Yield facets with their audience and their traits; what may not be read is not looked at."""
    for shard in range(SHARDS):
        after, pages = b"", 0
        while survey.most_pages is None or pages < survey.most_pages:
            async with histories.snapshot(stores.vault) as connection:
                page = await histories.page(connection, survey.brand, shard, after, PAGE)
            if not page:
                break
            for found in await _page(stores, survey, page):
                yield found
            after, pages = page[-1].bound.persona.pid, pages + 1


async def _page(stores: Stores, survey: Survey, page: list[Kept]) -> list[tuple[Kept, Traits]]:
    wanted = [each for each in page if each.audience and survey.audience in ("", each.audience)]
    readable = await _readable(stores, survey.purposes, wanted)
    lying = await facets.load(stores.profile, survey.brand, [each.bound.persona for each in readable])
    found = ((each, lying.get(each.bound.persona.pid)) for each in readable)
    opened = ((each, _traits(stores, each, body)) for each, body in found if body is not None)
    return [(each, traits) for each, traits in opened if traits is not None]


async def _readable(stores: Stores, purposes: tuple[str, ...], page: list[Kept]) -> list[Kept]:
    by_audience: dict[str, list[Kept]] = {}
    for each in page:
        by_audience.setdefault(each.audience or "", []).append(each)
    readable = []
    for audience, asked in by_audience.items():
        masks = await stores.decisions.check_many(audience, purposes, [each.bound.persona for each in asked])
        readable += [each for each, mask in zip(asked, masks, strict=True) if mask == (1 << len(purposes)) - 1]
    return readable


def _traits(stores: Stores, each: Kept, lying: Tailed) -> Traits | None:
    try:
        return tails.whole(sealed.data_key(stores.keyring, each.bound), each.bound.persona, lying, stores.weights)
    except (KeyMissingError, UnsealableError):
        # Erased a moment ago, or broken: whoever reads it hears of it.
        return None

"""Who is one persona across audiences: by links that both sides have agreed to, each pair for itself."""

import asyncio
from collections.abc import Collection, Sequence

from kit.db import raw
from services.profile.domain import Bound, Persona, Statement
from services.profile.repository import crossings
from services.profile.repository.crossings import Crossing
from services.profile.use_cases.stores import Stores

LINK = "link.cross_world"


def purpose(audience: str) -> str:
    """Return the purpose of a link to an audience."""
    return f"{LINK}@{audience}"


async def across(stores: Stores, personas: Sequence[Persona]) -> list[Crossing]:
    """Return the links of one persona to other audiences, agreed to or not."""
    async with stores.vault.reading() as reading:
        return await crossings.across(await raw(reading), personas)


async def readable(stores: Stores, found: Sequence[Crossing]) -> list[Bound]:
    """Return the facets on the other side of the links that both sides allow at this moment."""
    allowed = await asyncio.gather(*(_is_allowed(stores, each) for each in found))
    return [facet for each, is_allowed in zip(found, allowed, strict=True) if is_allowed for facet in each.facets]


async def ended(stores: Stores, found: Sequence[Crossing]) -> list[Crossing]:
    """Return the links that one side at least does not allow at this moment."""
    allowed = await asyncio.gather(*(_is_allowed(stores, each) for each in found))
    return [each for each, is_allowed in zip(found, allowed, strict=True) if not is_allowed]


async def cut(stores: Stores, found: Sequence[Crossing], statement: Statement) -> None:
    """Undo links: no later read crosses them when this returns, and nothing of them is left in the vault."""
    told = [end for each in found for end in ends(each)]
    withdrawn = (
        stores.consent.withdraw(persona, audience, [purpose(other)], statement) for persona, audience, other in told
    )
    # The truth first: whatever of this a crash leaves is denied.
    await asyncio.gather(*withdrawn)
    await crossings.unlink(stores.vault, found)


def named(found: Sequence[Crossing], purposes: Collection[str]) -> list[Crossing]:
    """Return the links that a withdrawal of these purposes ends; of none named, all."""
    if not purposes or LINK in purposes:
        return list(found)
    return [each for each in found if purpose(each.other_audience) in purposes]


def ends(crossing: Crossing) -> tuple[tuple[Persona, str, str], tuple[Persona, str, str]]:
    """Return both ends as (persona, its audience, the other one): who has to agree to what."""
    here = crossing.here, crossing.audience, crossing.other_audience
    return here, (crossing.there, crossing.other_audience, crossing.audience)


async def _is_allowed(stores: Stores, crossing: Crossing) -> bool:
    checks = (stores.decisions.check(persona, at, [purpose(other)]) for persona, at, other in ends(crossing))
    return all(decision.is_allowed for (decision,) in await asyncio.gather(*checks))

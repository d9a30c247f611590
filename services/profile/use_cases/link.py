"""Links personas of two audiences by a one-time code, and undoes it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from kit.db import raw
from kit.errors import ExhaustedError
from services.profile import codes
from services.profile.domain import Bound, ConsentRecord, Persona, Statement, Subject
from services.profile.domain.errors import (
    CodeUnknownError,
    LinkRefusedError,
    LinkSameAudienceError,
    NothingToLinkError,
    TooManyLinksError,
)
from services.profile.repository import crossings, edges, vault
from services.profile.repository.crossings import Crossing, NewCode
from services.profile.use_cases import cross
from services.profile.use_cases.consents import circle, find
from services.profile.use_cases.stores import Stores
from services.profile.use_cases.turn import shards_named

LIFE_MS = 120_000
#: Of codes asked for or tried within ten minutes: by one id, and by all of an audience.
MOST_TRIES, MOST_OF_AUDIENCE = 10, 1_000
MOST_LINKS = 16
_WINDOW_MS = 600_000
_READABLE = ("given", "renewed")


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Both audiences, and a record in each direction, the redeemer's first."""

    issued_by: str
    redeemed_by: str
    records: Sequence[ConsentRecord]


class Linking:
    """Links and unlinks; `drop` tells every process to forget what it keeps of these."""

    def __init__(self, stores: Stores, drop: Callable[[str, Sequence[Persona]], Awaitable[None]]) -> None:
        self._stores = stores
        self._drop = drop

    async def issue(self, subject: Subject) -> tuple[str, int]:
        """Return a new code, and until when it is good."""
        stores, now_ms = self._stores, self._stores.now_ms()
        await self._count(subject)
        bound = await find(stores, subject)
        if bound is None:
            raise NothingToLinkError("nobody is known by this id: grant something first")
        code = codes.new_code(stores.token)
        mark = codes.mark_of(stores.keyring, subject.brand, code)
        await crossings.keep_code(
            stores.vault, NewCode(mark, subject.audience, bound.persona, now_ms + LIFE_MS), now_ms
        )
        return code, now_ms + LIFE_MS

    async def redeem(self, subject: Subject, typed: str, statement: Statement) -> Redeemed:
        """Use a code up, link both, and record the consents that make the link readable."""
        await self._count(subject)
        bound = await find(self._stores, subject)
        code = codes.read_code(typed)
        if not code:
            raise CodeUnknownError("no such code", field="code")
        crossing = await self._link(subject, bound, codes.mark_of(self._stores.keyring, subject.brand, code))
        records = await self._agree(crossing, replace(statement, stated_at_ms=0))
        await self._drop(subject.brand, [crossing.here, crossing.there])
        return Redeemed(crossing.other_audience, crossing.audience, records)

    async def audiences(self, subject: Subject) -> list[str]:
        """Return the audiences that a persona is linked with."""
        return sorted({each.other_audience for each in await self._crossings(subject)})

    async def unlink(self, subject: Subject, audience: str, statement: Statement) -> list[str]:
        """Undo the links with one audience or all; return which they were."""
        found = [each for each in await self._crossings(subject) if audience in ("", each.other_audience)]
        await cross.cut(self._stores, found, replace(statement, stated_at_ms=0))
        if found:
            await self._drop(subject.brand, [end for each in found for end in (each.here, each.there)])
        return sorted({each.other_audience for each in found})

    async def _count(self, subject: Subject) -> None:
        # In a transaction of its own: a try that is refused counts.
        address = (subject.brand, subject.audience, subject.eid)
        own, of_audience = await crossings.count_try(self._stores.vault, address, self._stores.now_ms(), _WINDOW_MS)
        if own > MOST_TRIES or of_audience > MOST_OF_AUDIENCE:
            limit = f"{MOST_TRIES} codes in {_WINDOW_MS // 1000} s"
            raise ExhaustedError("too many codes", field="code", limit=limit, retry_after_s=_WINDOW_MS // 1000)

    async def _crossings(self, subject: Subject) -> list[Crossing]:
        bound, others = await circle(self._stores, subject)
        if bound is None:
            return []
        return await cross.across(self._stores, [bound.persona, *(other.persona for other in others)])

    async def _link(self, subject: Subject, bound: Bound | None, mark: bytes) -> Crossing:
        stores, now_ms = self._stores, self._stores.now_ms()
        async with stores.vault.transaction() as transaction:
            connection = await raw(transaction)
            issued = await crossings.look_up(connection, subject.brand, mark)
            if issued is None:
                raise CodeUnknownError("no such code", field="code")
            audience, issuer = issued
            # Erasing and new faces take these locks before they touch a code: nobody is linked who is going.
            shards = {*shards_named([subject]), issuer.shard}
            await vault.lock_identity(
                connection, subject.brand, shards | await edges.shards_of(connection, subject.brand, [issuer])
            )
            if audience == subject.audience:
                raise LinkSameAudienceError("the code is of this audience: type it in the other one", field="code")
            address = (subject.audience, subject.eid)
            present = (await vault.resolve(connection, subject.brand, [address])).get(address)
            if bound is None or present is None:
                raise NothingToLinkError("nobody is known by this id: grant something first")
            if not await crossings.use_code(connection, subject.brand, mark, now_ms):
                raise CodeUnknownError("no such code", field="code")
            for each in (present.persona, issuer):
                if len(await crossings.across(connection, [each])) >= MOST_LINKS:
                    raise TooManyLinksError("linked with too many already", limit=str(MOST_LINKS))
            crossing = Crossing(present.persona, subject.audience, issuer, audience, ())
            await crossings.link(connection, crossing, now_ms)
        return crossing

    async def _agree(self, crossing: Crossing, statement: Statement) -> list[ConsentRecord]:
        """Record both consents. Until then the link is there and denied, and so it stays after a crash."""
        records: list[ConsentRecord] = []
        for persona, audience, other in cross.ends(crossing):
            records += await self._stores.consent.grant(persona, audience, [cross.purpose(other)], statement)
        if any(record.state not in _READABLE for record in records):
            await cross.cut(self._stores, [crossing], statement)
            raise LinkRefusedError("a signal of the browser refuses links; name the brand to allow it", field="brand")
        return records

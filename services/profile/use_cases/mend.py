"""Looks through what was set aside, keeps the rules that mend it, and replays it through the stream."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kit.db import raw
from kit.epochs import EpochKeys
from kit.errors import InvalidArgumentError
from kit.keyring import KeyMissingError
from kit.sealing import UnsealableError
from services.profile import messages, sealed
from services.profile.domain import MID_BYTES, Bound, Partition, shard_of
from services.profile.mending import Left, Mended, Misfit, decode_left, decode_rule, mend
from services.profile.repository import quarantine, vault
from services.profile.repository.quarantine import Count, Cursor, Listed, Mendable, RuleRow
from services.profile.use_cases.stores import Stores

#: Appends a message to the stream of one partition; returns once it is durable.
Append = Callable[[Partition, bytes], Awaitable[None]]

_CURSOR_BYTES = 8
_BATCH_ID_BYTES = 16
_OLDEST: Cursor = (-1, b"")
_NEWEST: Cursor = ((1 << 63) - 1, b"")
# An interaction takes at most some 300 bytes: well within an envelope.
_MOST_IN_A_MESSAGE = 500


class Page(NamedTuple):
    """Part of what was set aside, and where the next part begins."""

    counts: list[Count]
    events: list[Listed]
    next: bytes


class Sent(NamedTuple):
    """What became of a replay before the folder has it."""

    replayed: int
    unfit: int
    unreadable: int
    next: bytes
    refused: int


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What was set aside, for staff."""

    stores: Stores
    epochs: EpochKeys
    append: Append
    partitions: int

    async def look(self, brand: str, only: tuple[str, str], after: bytes, most: int) -> Page:
        """Return counts, and the newest events; `only` names a source and a reason, "" for all."""
        async with self.stores.profile.reading() as reading:
            connection = await raw(reading)
            counts = await quarantine.counts(connection, brand, *only)
            events = await quarantine.page(connection, brand, only, _cursor(after, _NEWEST), most) if most else []
        is_more = bool(events) and len(events) == most
        return Page(counts, events, _written(events[-1].set_aside_at_ms, events[-1].mid) if is_more else b"")

    async def put_rules(self, brand: str, rules: Sequence[RuleRow]) -> int:
        """Keep rules, and return how many events they can let in."""
        async with self.stores.profile.transaction() as transaction:
            return await quarantine.put_rules(await raw(transaction), brand, rules, self.stores.now_ms())

    async def rules(self, brand: str) -> list[RuleRow]:
        """Return the rules of a brand."""
        async with self.stores.profile.reading() as reading:
            return await quarantine.rules(await raw(reading), brand)

    async def replay(self, brand: str, source: str, after: bytes, most: int) -> Sent:
        """Send what rules mend through the stream. What was sent stays set aside until the folder lets it in.

        A crash in between leaves events set aside; sending them again is harmless, for each is let in once.
        """
        async with self.stores.profile.reading() as reading:
            found = await quarantine.mendable(await raw(reading), brand, source, _cursor(after, _OLDEST), most)
        mended, why_not = await self._mended(brand, found)
        await self._send(brand, mended)
        is_more = bool(found) and len(found) == most
        next_ = _written(found[-1].set_aside_at_ms, found[-1].mid) if is_more else b""
        unreadable = len(found) - len(mended) - why_not.total()
        return Sent(len(mended), why_not[Misfit.UNFIT], unreadable, next_, why_not[Misfit.REFUSED])

    async def _mended(self, brand: str, found: Sequence[Mendable]) -> tuple[list[Mended], Counter[Misfit]]:
        async with self.stores.vault.reading() as reading:
            # By persona, not by the id it came under: another visitor may be behind that by now.
            asked = list(dict.fromkeys((each.source, each.persona) for each in found))
            bound = await vault.bound_to(await raw(reading), brand, asked) if asked else {}
        mended: list[Mended] = []
        why_not: Counter[Misfit] = Counter()
        for each in found:
            behind = bound.get((each.source, each.persona.pid))
            if behind is None or (left := self._left(each, behind[1])) is None:
                continue
            made = mend(decode_rule(each.rule), left, each.source, behind[0], each.mid)
            if isinstance(made, Misfit):
                why_not[made] += 1
            else:
                mended.append(made)
        return mended, why_not

    def _left(self, each: Mendable, bound: Bound) -> Left | None:
        try:
            key = sealed.data_key(self.stores.keyring, bound)
            return decode_left(sealed.open_remains(key, each.persona, each.mid, each.body))
        except (KeyMissingError, UnsealableError):
            return None

    async def _send(self, brand: str, mended: Sequence[Mended]) -> None:
        stores = self.stores
        by_partition: defaultdict[int, list[Mended]] = defaultdict(list)
        for each in mended:
            by_partition[shard_of(each.eid) % self.partitions].append(each)
        for number, events in sorted(by_partition.items()):
            partition = Partition(brand, number)
            for first in range(0, len(events), _MOST_IN_A_MESSAGE):
                some = events[first : first + _MOST_IN_A_MESSAGE]
                batch_id = stores.token(_BATCH_ID_BYTES)
                await self.append(partition, messages.replay(partition, some, self.epochs, batch_id, stores.now_ms()))


def _cursor(after: bytes, whole: Cursor) -> Cursor:
    if not after:
        return whole
    if len(after) != _CURSOR_BYTES + MID_BYTES:
        raise InvalidArgumentError("not where a page ended", field="after")
    return int.from_bytes(after[:_CURSOR_BYTES], "big", signed=True), after[_CURSOR_BYTES:]


def _written(set_aside_at_ms: int, mid: bytes) -> bytes:
    return set_aside_at_ms.to_bytes(_CURSOR_BYTES, "big", signed=True) + mid

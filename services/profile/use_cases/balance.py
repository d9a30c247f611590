"""The books as they stand: what is folded, and what still waits on the stream."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from sqlalchemy import text

from kit.db import raw
from services.profile.domain import BooksLine, Partition
from services.profile.folding import Account, account_of
from services.profile.messages import Awaited
from services.profile.repository import books, ledger, positions
from services.profile.repository.positions import Position
from services.profile.use_cases.stores import Stores

#: Returns what waits on the stream of one partition behind a position; all there is where nothing was ever read.
Waiting = Callable[[Partition, Position | None], Awaitable[list[Awaited]]]


async def balance(stores: Stores, waiting: Waiting, partitions: Sequence[Partition], from_ms: int) -> list[BooksLine]:
    """Return one line per source and hour, oldest first; what waits is received and pending. All are of one brand."""
    brand = partitions[0].brand
    pending: defaultdict[Account, int] = defaultdict(int)
    async with stores.profile.transaction() as transaction:
        # Books and positions of one moment, or an event would be counted twice or not at all.
        await transaction.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        connection = await raw(transaction)
        reached = await positions.all_of(connection, brand)
        for partition in partitions:
            awaited = await waiting(partition, reached.get(partition))
            seen = await ledger.batches_seen(connection, partition, [each.batch_id for each in awaited])
            for each in awaited:
                if each.batch_id in seen:
                    continue
                seen.add(each.batch_id)
                for source, count in each.counts:
                    pending[account_of(source, each.sealed_at_ms)] += count
        lines = {(line.source, line.hour_ms): line for line in await books.read(connection, brand, from_ms)}
    for account, count in pending.items():
        if account[1] >= from_ms:
            line = lines.get(account, BooksLine(*account))
            lines[account] = replace(line, received=line.received + count, pending=count)
    return sorted(lines.values(), key=lambda line: (line.hour_ms, line.source))

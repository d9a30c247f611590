"""Message ids, each remembered once as a key of 16 bytes: claimed in the present period, where no earlier one has it.

The key is the id XOR a digest of brand and shard. Ids are keyed hashes of 128 bits already, so keys spread evenly, two
ids of one shard never share a key, and ids of two shards do as seldom as two random numbers of 128 bits.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import asyncpg
from asyncpg.pgproto.pgproto import UUID

KEY_BYTES = 16
#: The first bits of a key say in which bucket of a packed period it is.
HIGH_BITS = 31
_LOW_BITS = 8 * KEY_BYTES - HIGH_BITS
_MOST_PADS = 65_536

# A period moves from `message_ids` to a closed table to a packed one. Closed comes before packed here, because children
# are looked up in this order: what is not in one any more is in the next. The snapshot is taken with all locks held.
# Whether the present period has an id is left to its index: to look first would cost the same way down twice.
_CLAIM = """
WITH asked AS MATERIALIZED (
    SELECT key, high FROM unnest($1::uuid[], $2::int[]) AS q(key, high)
), slots AS MATERIALIZED (
    SELECT a.key, p.number::bigint << 32 | ((a.high * p.buckets::bigint) >> 31) AS slot
    FROM asked a CROSS JOIN message_id_periods p WHERE p.packed_buckets = p.buckets
), earlier AS MATERIALIZED (
    SELECT key FROM closed_message_ids WHERE key = ANY ($1)
    UNION ALL
    SELECT s.key FROM packed_message_ids b JOIN slots s USING (slot)
    WHERE b.slot = ANY (ARRAY(SELECT slot FROM slots)) AND position(uuid_send(s.key) IN b.keys) > 0
), claimed AS (
    INSERT INTO message_ids (key)
    SELECT key FROM asked a WHERE NOT EXISTS (SELECT FROM earlier e WHERE e.key = a.key)
    ON CONFLICT DO NOTHING
    RETURNING key
)
SELECT key FROM asked EXCEPT ALL SELECT key FROM claimed
"""


async def claim(connection: asyncpg.Connection, brand: str, ids: Sequence[tuple[int, bytes]]) -> set[tuple[int, bytes]]:
    """Remember (shard, message id), each given once, and return those that were not remembered before.

    Waits for whoever has claimed one of them and not committed yet. The caller owns the partitions they are of.
    """
    # In the order of the index: neighbours are written together.
    keys = sorted(key_of(brand, shard, mid) for shard, mid in ids)
    known = await connection.fetch(
        _CLAIM, [UUID(key.to_bytes(KEY_BYTES)) for key in keys], [key >> _LOW_BITS for key in keys]
    )
    if not known:
        return set(ids)
    taken = {key.int for (key,) in known}
    return {(shard, mid) for shard, mid in ids if key_of(brand, shard, mid) not in taken}


def key_of(brand: str, shard: int, mid: bytes) -> int:
    return int.from_bytes(mid) ^ _pad(brand, shard)


def bucket_of(key: int, buckets: int) -> int:
    return ((key >> _LOW_BITS) * buckets) >> HIGH_BITS


def least_key(bucket: int, buckets: int) -> int:
    """Return the least key of a bucket; of the bucket behind the last, what is more than any key."""
    return -(-(bucket << HIGH_BITS) // buckets) << _LOW_BITS


@lru_cache(_MOST_PADS)
def _pad(brand: str, shard: int) -> int:
    return int.from_bytes(sha256(f"{brand}|{shard}".encode()).digest()[:KEY_BYTES])

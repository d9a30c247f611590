"""The ledger of privacy budgets: a row is a question that was paid, and its answer once that is known."""

import asyncpg

from services.profile.aggregates import Question

_LOCK_LEDGER = 7106


async def lock(connection: asyncpg.Connection, brand: str, audience: str) -> None:
    """Let nobody else spend of this audience's budget until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK_LEDGER, f"{brand} {audience}")


async def find(connection: asyncpg.Connection, question: Question) -> bytes | None:
    """Return the answer of a question that was paid, empty until it is known; None when it was not paid."""
    answer: bytes | None = await connection.fetchval(
        "SELECT answer FROM aggregates WHERE (brand, audience, day, counted, price) = ($1, $2, $3, $4, $5)",
        *_key(question),
    )
    return answer


async def spent(connection: asyncpg.Connection, brand: str, audience: str, since: int) -> list[tuple[int, int]]:
    """Return (day, prices paid on it) from a day on, oldest first; days to come count, too: a clock may be set back."""
    rows = await connection.fetch(
        """
        SELECT day, sum(price)::int FROM aggregates
        WHERE brand = $1 AND audience = $2 AND day >= $3 GROUP BY day ORDER BY day
        """,
        brand,
        audience,
        since,
    )
    return [(day, price) for day, price in rows]


async def pay(connection: asyncpg.Connection, question: Question) -> None:
    """Enter a question. It stays paid, whatever becomes of its answer."""
    await connection.execute(
        "INSERT INTO aggregates (brand, audience, day, counted, price) VALUES ($1, $2, $3, $4, $5)", *_key(question)
    )


async def keep(connection: asyncpg.Connection, question: Question, answer: bytes) -> bytes:
    """Keep the answer unless another was kept meanwhile; return the one that is kept, which alone may be told."""
    kept: bytes = await connection.fetchval(
        """
        UPDATE aggregates SET answer = CASE WHEN answer = '' THEN $6 ELSE answer END
        WHERE (brand, audience, day, counted, price) = ($1, $2, $3, $4, $5) RETURNING answer
        """,
        *_key(question),
        answer,
    )
    return kept


def _key(question: Question) -> tuple[str, str, int, str, int]:
    return question.brand, question.audience, question.day, question.counted, question.price

"""Which policy draws for each brand, and what tells whether another one may."""

import asyncpg

from kit.db import Database
from services.recommendation.deciding import Answers, Policy
from services.recommendation.judging import GAINS

_LIST = "SELECT brand, policy FROM policies"
_SET = """
INSERT INTO policies (brand, policy) VALUES ($1, $2)
ON CONFLICT (brand) DO UPDATE SET policy = excluded.policy
"""
_GET = "SELECT policy FROM policies WHERE brand = $1"
_GAINS = "SELECT seen, accepted, annoyed FROM answers WHERE brand = $1 AND bucket = $2"


async def list_policies(database: Database) -> dict[str, Policy]:
    """Return what draws, by brand; the reference where nothing was set."""
    return {row["brand"]: Policy(row["policy"]) for row in await database.fetch(_LIST)}


async def read_policy(driver: asyncpg.Connection, brand: str) -> tuple[Policy, Answers]:
    """Return what draws for a brand, and what answers say of the bandit."""
    policy = await driver.fetchval(_GET, brand)
    gains = await driver.fetchrow(_GAINS, brand, GAINS)
    return Policy(policy or Policy.SOFTMAX), Answers(*(gains or ()))


async def set_policy(driver: asyncpg.Connection, brand: str, policy: Policy) -> None:
    """Say what draws."""
    await driver.execute(_SET, brand, policy.value)

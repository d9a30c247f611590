"""Says which policy draws for a brand, and lets another one in when the log shows that it brings more."""

from dataclasses import dataclass

from kit.db import Database, raw
from services.recommendation.bandit.offpolicy import Interval
from services.recommendation.deciding import Policy
from services.recommendation.domain import PolicyUnprovenError
from services.recommendation.judging import gain_in_all
from services.recommendation.repository import policies


@dataclass(frozen=True, slots=True)
class Standing:
    """What draws, from how many answers the bandit is judged, and what it would bring more with each."""

    policy: Policy
    answers: int
    gain: Interval

    @property
    def goes_live(self) -> bool:
        """Whether the bandit may draw: it brings more even at the lower bound."""
        return self.gain.low > 0


async def read_policy(database: Database, brand: str) -> Standing:
    """Return how it stands."""
    async with database.reading() as connection:
        policy, gains = await policies.read_policy(await raw(connection), brand)
    return Standing(policy, gains.seen, gain_in_all(gains))


async def set_policy(database: Database, brand: str, policy: Policy) -> Standing:
    """Have a policy draw from within a second on; back to the reference at any time."""
    async with database.transaction() as connection:
        driver = await raw(connection)
        before, gains = await policies.read_policy(driver, brand)
        standing = Standing(policy, gains.seen, gain_in_all(gains))
        if policy not in {before, Policy.SOFTMAX} and not standing.goes_live:
            raise PolicyUnprovenError("its lower bound must be above 0", field="policy", limit=_shown(standing))
        await policies.set_policy(driver, brand, policy)
    return standing


def _shown(standing: Standing) -> str:
    return f"{standing.gain.low:.4f} an answer, from {standing.answers}"

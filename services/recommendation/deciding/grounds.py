"""On what grounds a brand decides: its rules and manners, and what it has learnt of everybody."""

from dataclasses import dataclass

from services.recommendation.deciding.habits import Customs
from services.recommendation.deciding.manners import Manners
from services.recommendation.deciding.promising import Promise
from services.recommendation.deciding.valuing import Experience
from services.recommendation.deciding.words import Policy, Rules

#: Fewer say nothing.
LEAST_ANSWERS = 100


@dataclass(frozen=True, slots=True)
class Grounds:
    """The same grounds, question and lot make the same decision."""

    rules: Rules
    manners: Manners
    experience: Experience
    customs: Customs
    promise: Promise
    #: What draws once the bandit has learnt from so many answers; until then it is the reference.
    policy: Policy = Policy.SOFTMAX

    @property
    def in_force(self) -> Policy:
        """What draws now."""
        return self.policy if self.promise.answers >= LEAST_ANSWERS else Policy.SOFTMAX

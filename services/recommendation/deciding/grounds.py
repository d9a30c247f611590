"""On what grounds a brand decides: its rules and manners, and what it has learnt of everybody."""

from dataclasses import dataclass

from services.recommendation.deciding.habits import Customs
from services.recommendation.deciding.manners import Manners
from services.recommendation.deciding.valuing import Taught
from services.recommendation.deciding.words import Rules


@dataclass(frozen=True, slots=True)
class Grounds:
    """The same grounds, question and lot make the same decision."""

    rules: Rules
    manners: Manners
    taught: Taught
    customs: Customs

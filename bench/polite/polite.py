"""The platform's own rule, and what it is shown: what can be seen, and the answers."""

from collections import defaultdict

from bench.polite.lives import Seen
from bench.polite.memory import Answer
from kit import packs
from services.recommendation.deciding import Outcome, interruption
from services.recommendation.deciding.habits import Customs, Habits, Occasion
from services.recommendation.deciding.manners import Manners
from services.recommendation.settings import RecommendationSettings


class Polite:
    """Begins without knowing anybody."""

    def __init__(self, pack: Manners) -> None:
        self._pack = pack
        self._customs = Customs()
        self._habits: defaultdict[int, Habits] = defaultdict(Habits)

    def speaks(self, seen: Seen) -> bool:
        """Meet, and judge."""
        known, occasion = self._habits[seen.persona], _occasion(seen)
        interruption.meet(self._pack, known, occasion)
        return interruption.judge(self._pack, self._customs, known, occasion).speaks

    def told(self, seen: Seen, answer: Answer) -> None:
        """Learn."""
        known = self._habits[seen.persona]
        outcome = Outcome[answer.name]
        taught = interruption.told(self._pack, self._customs, known, _occasion(seen), outcome)
        self._customs = self._customs.merged(taught)


def shipped() -> Manners:
    """Return the pack that ships with the platform."""
    return packs.load(RecommendationSettings.model_fields["manners_file"].default, Manners)


def _occasion(seen: Seen) -> Occasion:
    return Occasion(seen.at_ms, seen.hour, seen.channel, seen.activity, seen.topic)

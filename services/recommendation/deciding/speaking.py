"""Whether to speak at all: what manners say of each topic that could be spoken of. Asked of what the brand begins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from services.recommendation.deciding.habits import Customs, Habits, Occasion
from services.recommendation.deciding.interruption import channel_of_the_moment, judge_topics
from services.recommendation.deciding.manners import Manners
from services.recommendation.deciding.words import Initiative, Moment, Verdict

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_ASKING, _LOOKING = "asking", "looking"


def occasion(moment: Moment, topic: str) -> Occasion:
    """Return the moment as manners see it."""
    hour = (moment.at_ms + moment.utc_offset_minutes * _MINUTE_MS) // _HOUR_MS % 24
    begun = _ASKING if moment.initiative is Initiative.PERSONA else _LOOKING
    return Occasion(moment.at_ms, hour, moment.channel, moment.activity or begun, topic)


def verdicts(
    manners: Manners, customs: Customs, habits: Habits, moment: Moment, topics: Iterable[str]
) -> dict[str, Verdict]:
    """Return what manners say of speaking of each topic."""
    return judge_topics(manners, customs, habits, occasion(moment, ""), topics)


def placed(manners: Manners, customs: Customs, habits: Habits, moment: Moment, also_in: Sequence[str]) -> Moment:
    """Return the moment in the channel that suits it best; whoever asked is answered where it asked."""
    if not also_in or moment.initiative is Initiative.PERSONA:
        return moment
    channels = (moment.channel, *also_in)
    return replace(moment, channel=channel_of_the_moment(manners, customs, habits, occasion(moment, ""), channels))


def most_welcome(said: Mapping[str, Verdict]) -> str:
    """Return of which topic speaking is worth most, by its lower bound."""
    return max(said, key=lambda topic: said[topic].value_at_least)

"""Kinds of personas: how much they bear, how long they remember, when they like to be spoken to.

The numbers are assumptions, chosen before any policy was written. What is judged is whether a policy finds out.
"""

from typing import NamedTuple

#: Whom an avatar meets is doing one of these, and it can see which.
ACTIVITIES = ("asking", "looking", "passing", "occupied")
CHANNELS = ("world", "web", "mail")
TOPICS = 12


class Kind(NamedTuple):
    """One kind: its share of all personas, its memory, its hours."""

    name: str
    share: float
    #: Annoyance above this is shown: by removing, and by complaining at twice as much.
    limit: float
    #: Annoyance halves in so many hours.
    half_life_h: float
    #: First hour of the day at which it likes to be spoken to, and how many follow.
    first_hour: int
    hours: int
    #: Chance a day to leave for good, whatever is done.
    leaves_a_day: float = 0.0


KINDS = (
    Kind("patient", 0.25, limit=14.0, half_life_h=24.0, first_hour=10, hours=12),
    Kind("forgiving", 0.2, limit=7.0, half_life_h=8.0, first_hour=10, hours=12),
    Kind("touchy", 0.15, limit=4.0, half_life_h=168.0, first_hour=10, hours=12),
    Kind("busy", 0.15, limit=6.0, half_life_h=48.0, first_hour=17, hours=5),
    Kind("night owl", 0.15, limit=8.0, half_life_h=48.0, first_hour=20, hours=8),
    Kind("leaving", 0.1, limit=5.0, half_life_h=96.0, first_hour=10, hours=12, leaves_a_day=0.02),
)

#: Share of moments by activity, how often an offer can help in them, how often the persona is busy with something else.
ACTIVITY_SHARES = (0.1, 0.35, 0.3, 0.25)
NEEDS = (0.95, 0.5, 0.02, 0.01)
BUSY = (0.02, 0.1, 0.4, 0.9)
#: What an unwanted offer adds to annoyance; twice as much when the persona is busy. Whoever asks is not imposed upon.
STINGS = (0.2, 0.5, 1.0, 1.5)
#: The favourite channel, the second, and the one that is not for offers; and how often each is used.
CHANNEL_FITS = (1.0, 0.6, 0.02)
CHANNEL_SHARES = (0.5, 0.3, 0.2)
#: What an offer can do at the wrong hour, and about something of no interest.
WRONG_HOUR = 0.03
NO_INTEREST = 0.01

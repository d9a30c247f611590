"""What to do about a persona, or to be silent: plain functions over plain data; pipeline.py puts them in order."""

from services.recommendation.deciding.budget import Limit, first_free_ms, limit
from services.recommendation.deciding.gathering import Ranked
from services.recommendation.deciding.grounds import LEAST_ANSWERS, Grounds
from services.recommendation.deciding.habits import Customs, Habits, Occasion, joined
from services.recommendation.deciding.interruption import meet, told
from services.recommendation.deciding.manners import Manners
from services.recommendation.deciding.pipeline import Question, decide, silenced
from services.recommendation.deciding.promising import Promise, bin_of
from services.recommendation.deciding.shelf import Shelf, Terms
from services.recommendation.deciding.speaking import occasion, placed
from services.recommendation.deciding.state import (
    COMPLAINT_MS,
    EMPTY,
    WINDOW_MS,
    State,
    contacted,
    decode_state,
    encode_state,
    heard,
    merge,
)
from services.recommendation.deciding.suiting import PLAYS, Facts, Play, Suiting, Suits, suits
from services.recommendation.deciding.valuing import Answers, Experience, Taught, bucket_of, taught_by
from services.recommendation.deciding.words import (
    VISIBLE_MS,
    Act,
    Candidate,
    Decided,
    Initiative,
    Moment,
    Outcome,
    Policy,
    Rules,
    Silence,
    Treatment,
    Verdict,
    Weighed,
)

__all__ = [
    "COMPLAINT_MS",
    "EMPTY",
    "LEAST_ANSWERS",
    "PLAYS",
    "VISIBLE_MS",
    "WINDOW_MS",
    "Act",
    "Answers",
    "Candidate",
    "Customs",
    "Decided",
    "Experience",
    "Facts",
    "Grounds",
    "Habits",
    "Initiative",
    "Limit",
    "Manners",
    "Moment",
    "Occasion",
    "Outcome",
    "Play",
    "Policy",
    "Promise",
    "Question",
    "Ranked",
    "Rules",
    "Shelf",
    "Silence",
    "State",
    "Suiting",
    "Suits",
    "Taught",
    "Terms",
    "Treatment",
    "Verdict",
    "Weighed",
    "bin_of",
    "bucket_of",
    "contacted",
    "decide",
    "decode_state",
    "encode_state",
    "first_free_ms",
    "heard",
    "joined",
    "limit",
    "meet",
    "merge",
    "occasion",
    "placed",
    "silenced",
    "suits",
    "taught_by",
    "told",
]

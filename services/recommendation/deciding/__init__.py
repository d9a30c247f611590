"""What to do about a persona, or to be silent: plain functions over plain data; pipeline.py puts them in order."""

from services.recommendation.deciding.budget import Limit, first_free_ms, limit
from services.recommendation.deciding.gathering import Ranked
from services.recommendation.deciding.pipeline import Question, decide, silenced
from services.recommendation.deciding.shelf import Shelf, Terms
from services.recommendation.deciding.state import (
    EMPTY,
    WINDOW_MS,
    State,
    contacted,
    decode_state,
    encode_state,
    heard,
    merge,
)
from services.recommendation.deciding.valuing import Answers, Taught, bucket_of, taught_by
from services.recommendation.deciding.words import (
    VISIBLE_MS,
    Act,
    Candidate,
    Decided,
    Initiative,
    Moment,
    Outcome,
    Rules,
    Silence,
    Treatment,
    Weighed,
)

__all__ = [
    "EMPTY",
    "VISIBLE_MS",
    "WINDOW_MS",
    "Act",
    "Answers",
    "Candidate",
    "Decided",
    "Initiative",
    "Limit",
    "Moment",
    "Outcome",
    "Question",
    "Ranked",
    "Rules",
    "Shelf",
    "Silence",
    "State",
    "Taught",
    "Terms",
    "Treatment",
    "Weighed",
    "bucket_of",
    "contacted",
    "decide",
    "decode_state",
    "encode_state",
    "first_free_ms",
    "heard",
    "limit",
    "merge",
    "silenced",
    "taught_by",
]

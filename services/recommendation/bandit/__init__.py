"""Which offer is accepted: learnt online from what was shown, explored with known chances.

A caller holds a `Regression` and a `Calibration` for each brand. It describes each candidate by a row of features,
`expect`s what they promise, `choose`s one of them by a lot, logs its propensity, and teaches both what became of it.
"""

from services.recommendation.bandit.calibration import Calibration, Chance
from services.recommendation.bandit.choice import Choice, Exploration, choose, propensities
from services.recommendation.bandit.regression import Expected, Prior, Regression

__all__ = [
    "Calibration",
    "Chance",
    "Choice",
    "Expected",
    "Exploration",
    "Prior",
    "Regression",
    "choose",
    "propensities",
]

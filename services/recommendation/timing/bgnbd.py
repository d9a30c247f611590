"""BG/NBD (Fader, Hardie and Lee 2005): a customer buys at a rate of its own and may leave after any purchase."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from services.recommendation.timing.history import Floats, History

_START = (-1.0, 3.0, 0.0, 1.0)


class Rates(NamedTuple):
    """Purchase rates are gamma (shape, scale in days), chances to leave after a purchase are beta (leave, stay)."""

    shape: float
    scale: float
    leave: float
    stay: float


def fit(known: History) -> Rates:
    """Return the likeliest rates."""

    def loss(logs: Floats) -> float:
        return -float(_log_likelihood(Rates(*np.exp(logs)), known).mean())

    return Rates(*np.exp(minimize(loss, _START, method="Nelder-Mead", options={"maxiter": 600}).x).tolist())


def stays(rates: Rates, known: History) -> Floats:
    """Return the chance that each customer has not left."""
    gone = rates.leave / (rates.stay + np.maximum(known.repeats, 1.0) - 1.0)
    silence = ((rates.scale + known.age) / (rates.scale + known.recency)) ** (rates.shape + known.repeats)
    return np.asarray(1.0 / (1.0 + np.where(known.repeats > 0, gone * silence, 0.0)))


def buys(rates: Rates, known: History, days: float) -> Floats:
    """Return the chance that each customer buys within so many days."""
    since = rates.scale + known.age
    return np.asarray(stays(rates, known) * (1.0 - (since / (since + days)) ** (rates.shape + known.repeats)))


def expected(rates: Rates, known: History, days: float) -> Floats:
    """Return on how many of so many days each customer is expected to buy."""
    shape, stay, since = rates.shape + known.repeats, rates.stay + known.repeats, rates.scale + known.age
    total = rates.leave + stay - 1.0
    left = (since / (since + days)) ** shape * hyp2f1(shape, stay, total, days / (since + days))
    return np.asarray(total / (rates.leave - 1.0) * (1.0 - left) * stays(rates, known))


def _log_likelihood(rates: Rates, known: History) -> Floats:
    shape, x = rates.shape + known.repeats, known.repeats
    common = gammaln(shape) - gammaln(rates.shape) + rates.shape * np.log(rates.scale) - betaln(rates.leave, rates.stay)
    stayed = betaln(rates.leave, rates.stay + x) - shape * np.log(rates.scale + known.age)
    went = betaln(rates.leave + 1.0, rates.stay + np.maximum(x, 1.0) - 1.0) - shape * np.log(
        rates.scale + known.recency
    )
    return np.asarray(common + np.where(x > 0, np.logaddexp(stayed, went), stayed))

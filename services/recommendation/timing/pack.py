"""What was fitted to a brand's purchases, as a pack: written once, read by whoever asks when to speak."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import yaml
from msgspec import Meta

from kit import packs
from kit.packs import Pack, Words
from services.recommendation.domain import Bought
from services.recommendation.timing.bgnbd import Rates
from services.recommendation.timing.forecast import Forecaster
from services.recommendation.timing.history import History

_Positive = Annotated[float, Meta(gt=0)]


class _Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shape: _Positive
    scale: _Positive
    leave: _Positive
    stay: _Positive


class TimingPack(Pack, frozen=True, kw_only=True):
    """The file. Customers were known for so many days when it was fitted: for as many its chances are most reliable."""

    source: Words
    customers: Annotated[int, Meta(ge=1)]
    days: Annotated[int, Meta(ge=1)]
    rates: _Rates
    #: The constant first, then one a feature, over features of this mean and spread.
    weights: list[float]
    mean: list[float]
    spread: list[_Positive]
    #: Share of them that is expected to buy again within as many days; None in packs of before it was kept.
    usual: Annotated[float, Meta(gt=0, le=1)] | None = None

    def chance(self, bought: Bought, today: int, days: int) -> float:
        """Return the chance that a persona buys again within so many days from `today`, counted as in Bought."""
        known = History(
            repeats=np.array([bought.days - 1.0]),
            recency=np.array([float(bought.last_day - bought.first_day)]),
            age=np.array([float(max(today, bought.last_day) - bought.first_day)]),
            spend=np.array([bought.spend]),
        )
        return float(self.forecaster().chance(known, days)[0])

    def forecaster(self) -> Forecaster:
        """Return what was fitted."""
        rates = Rates(self.rates.shape, self.rates.scale, self.rates.leave, self.rates.stay)
        return Forecaster(rates, np.array(self.weights), np.array(self.mean), np.array(self.spread))


def write_pack(path: Path, fitted: Forecaster, known: History, days: int) -> None:
    """Keep what was fitted to these customers, who were known for so many days."""
    told = {
        "id": "timing",
        "version": "1",
        "source": "fitted to a file of purchases",
        "customers": len(known.repeats),
        "days": days,
        "rates": fitted.rates._asdict(),
        "weights": fitted.weights.tolist(),
        "mean": fitted.mean.tolist(),
        "spread": fitted.spread.tolist(),
        "usual": float(fitted.chance(known, days).mean()),
    }
    path.write_text(yaml.safe_dump(told, sort_keys=False), encoding="utf-8")


def read_pack(path: Path) -> TimingPack:
    """Return the pack in a file; raises PackError that names the field and the limit."""
    return packs.checked(path, TimingPack, _problems)


def _problems(pack: TimingPack) -> Iterator[str]:
    if not pack.forecaster().is_whole:
        yield "weights: one for each feature and a constant are needed, and as many means and spreads as features"

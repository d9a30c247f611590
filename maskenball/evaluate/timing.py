"""How well purchases to come are foretold: the first half of a brand's file is learnt from, the second judges."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from kit.errors import Status, TypedError
from services.recommendation.timing import bgnbd
from services.recommendation.timing.forecast import fit
from services.recommendation.timing.history import Floats, History, Purchases, history
from services.recommendation.timing.pack import write_pack

_LEAST_CUSTOMERS = 100
_LEAST_DAYS = 28
_BINS = 10


class PurchasesFormatError(TypedError):
    """The file cannot be judged: names the line and the field, never what it holds."""

    reason = "PURCHASES_UNREADABLE"
    status = Status.INVALID


def evaluate(path: Path) -> dict[str, Any]:
    """Return the figures beside those of recency and frequency and of BG/NBD, all fitted on the first half alone."""
    purchases = read_purchases(path)
    now = (int(purchases.days.min()) + int(purchases.days.max())) // 2
    days = int(purchases.days.max()) - now
    chosen, customers = np.unique(purchases.customers[purchases.days <= now], return_inverse=True)
    if len(chosen) < _LEAST_CUSTOMERS or days < _LEAST_DAYS:
        raise PurchasesFormatError(
            f"customers: {len(chosen)} bought in the first half of {2 * days} days, "
            f"at least {_LEAST_CUSTOMERS} in {2 * _LEAST_DAYS} are needed"
        )
    first = purchases.within(int(purchases.days.min()), now)._replace(customers=customers.astype(np.int64))
    known = history(first, len(chosen), now)
    later = purchases.within(now + 1, now + days)
    counts = later.buying_days(int(purchases.customers.max()) + 1)[chosen].astype(np.float64)
    foretold = fit(first, len(chosen), now).forecast(known, days)
    return {
        **figures(foretold.chance, foretold.median, counts),
        "customers": len(chosen),
        "days": days,
        "bought": round(float((counts > 0).mean()), 4),
        "baseline_bgnbd": _of_bgnbd(known, counts, days),
        "baseline_recency_frequency": _of_recency_frequency(known, counts),
    }


def keep(path: Path, purchases: Path) -> None:
    """Fit to all of a file, and write what was fitted as a pack."""
    known = read_purchases(purchases)
    first, last, customers = int(known.days.min()), int(known.days.max()), int(known.customers.max()) + 1
    write_pack(path, fit(known, customers, last), history(known, customers, last), last - first + 1)


def figures(chance: Floats, count: Floats, counts: Floats) -> dict[str, float]:
    """Return how well buyers are told from others, how true chances are, and how far counts are off."""
    bought = counts > 0
    bins = np.minimum((chance * _BINS).astype(int), _BINS - 1)
    gaps = [abs(chance[bins == each].mean() - bought[bins == each].mean()) * (bins == each).sum() for each in set(bins)]
    return {
        "auc": round(auc(chance, bought), 4),
        "ece": round(float(sum(gaps) / len(counts)), 4),
        "mae": round(float(np.abs(count - counts).mean()), 4),
    }


def auc(scores: Floats, bought: Any) -> float:
    """Return how often a buyer has the higher score; one half where there are buyers alone, or none."""
    yes, no = int(bought.sum()), int((~bought).sum())
    if not yes or not no:
        return 0.5
    return float((rankdata(scores)[bought].sum() - yes * (yes + 1) / 2) / yes / no)


def read_purchases(path: Path) -> Purchases:
    """Return the purchases of a file: customer, date (2026-11-27 or 20261127), amount; by tab, comma or space."""
    rows = list(_rows(path))
    if not rows:
        raise PurchasesFormatError(f"{path.name}: there is no purchase in the file")
    names, days, amounts = zip(*rows, strict=True)
    return Purchases(
        np.unique(np.array(names), return_inverse=True)[1].astype(np.int64),
        np.array(days, dtype=np.int64),
        np.array(amounts, dtype=np.float64),
    )


def _rows(path: Path) -> Iterator[tuple[str, int, float]]:
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        fields = line.replace(",", " ").split()
        if not fields:
            continue
        if len(fields) < 3:  # noqa: PLR2004  # customer, date, amount
            raise PurchasesFormatError(f"line {number}: expected customer, date and amount")
        try:
            day, amount = dt.date.fromisoformat(fields[1]).toordinal(), float(fields[-1])
        except ValueError:
            if number == 1:
                # A header.
                continue
            raise PurchasesFormatError(
                f"line {number}: date is not of the form 2026-11-27, or amount is no number"
            ) from None
        if not np.isfinite(amount):
            raise PurchasesFormatError(f"line {number}: amount is not finite")
        yield fields[0], day, amount


def _of_bgnbd(known: History, counts: Floats, days: int) -> dict[str, float]:
    rates = bgnbd.fit(known)
    return figures(bgnbd.buys(rates, known, days), bgnbd.expected(rates, known, days), counts)


def _of_recency_frequency(known: History, counts: Floats) -> dict[str, float]:
    """Score by repeats less the share of the time since the last purchase: there is no chance in it, and no count."""
    score = np.log1p(known.repeats) - (known.age - known.recency) / np.maximum(known.age, 1.0)
    return {"auc": round(auc(score, counts > 0), 4)}

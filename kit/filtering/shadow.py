"""Estimates, off the path, how much the filter misses: a few texts in a thousand are shown to a slower judge."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Protocol

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge

_WAITING = 256
# Of the normal distribution: 95 % lie within.
_Z = 1.96


class Judge(Protocol):
    """Slower eyes than the filter's: another library, a model, a person's rules."""

    name: str

    def finds(self, text: str) -> Sequence[str]:
        """Return the kinds of identifiers in `text`; never the identifiers. A ValueError or RuntimeError is counted."""
        ...


class Shadow:
    """Keeps a sample of what passed the filter, in memory and no more than 256 texts, until it is judged.

    `offer` costs the path one random number; a full queue drops the text. `judge_waiting` is for a thread of its own.
    The leak rate is shadow_leaking / shadow_judged; `shadow_leak_rate` holds it with the bounds of its 95 % interval.
    No text, and no error that a text caused, is ever logged.
    """

    def __init__(
        self,
        judge: Judge,
        share: float,
        registry: CollectorRegistry = REGISTRY,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take what share of texts is judged, and where the counters are kept."""
        self._judge = judge
        self._share = share
        self._chance = chance
        self._waiting: Queue[str] = Queue(_WAITING)
        self._seen = self._leaky = 0
        self._judged = Counter("shadow_judged", "Texts that passed the filter and were judged again", registry=registry)
        self._leaking = Counter("shadow_leaking", "Texts among them with an identifier", registry=registry)
        self._leaks = Counter("shadow_leaks", "The same by kind: a text may have several", ("kind",), registry=registry)
        self._dropped = Counter("shadow_dropped", "Texts dropped because too many waited", registry=registry)
        self._failed = Counter("shadow_failed", "Texts that the judge could not judge", registry=registry)
        self._rate = Gauge("shadow_leak_rate", "Share of texts with an identifier", ("bound",), registry=registry)

    def offer(self, text: str) -> None:
        """Take a text that passed, perhaps."""
        if self._chance() >= self._share:
            return
        try:
            self._waiting.put_nowait(text)
        except Full:
            self._dropped.inc()

    def judge_waiting(self, most: int = _WAITING) -> int:
        """Judge what waits, so many texts at most, and return how many that were."""
        for count in range(most):
            try:
                text = self._waiting.get_nowait()
            except Empty:
                return count
            self._take(text)
        return most

    def _take(self, text: str) -> None:
        try:
            kinds = set(self._judge.finds(text))
        except (ValueError, RuntimeError):
            self._failed.inc()
            return
        self._judged.inc()
        self._seen += 1
        if kinds:
            self._leaking.inc()
            self._leaky += 1
        for kind in kinds:
            self._leaks.labels(kind).inc()
        least, most = interval(self._leaky, self._seen)
        for bound, rate in (("lower95", least), ("estimate", self._leaky / self._seen), ("upper95", most)):
            self._rate.labels(bound).set(rate)


def interval(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927): sound for few finds, and for none."""
    share, weight = found / of, _Z * _Z / of
    middle = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * math.sqrt(share * (1 - share) / of + weight / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


@contextmanager
def judging(shadow: Shadow, every_s: float = 0.05) -> Iterator[None]:
    """Judge in a thread of its own, one text in `every_s` at most: it shares the interpreter with the path."""
    stop = Event()

    def judge() -> None:
        while not stop.wait(every_s):
            shadow.judge_waiting(1)

    thread = Thread(target=judge, name="shadow", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()

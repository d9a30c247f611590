"""Estimates, off the path, how much the filter misses: a few texts in a thousand are shown to a slower judge."""

import random
from collections.abc import Callable, Sequence
from queue import Empty, Full, Queue
from typing import Protocol

from prometheus_client import REGISTRY, CollectorRegistry, Counter

_WAITING = 256


class Judge(Protocol):
    """Slower eyes than the filter's: another library, a model, a person's rules."""

    name: str

    def finds(self, text: str) -> Sequence[str]:
        """Return the kinds of identifiers in `text`; never the identifiers."""
        ...


class Shadow:
    """Keeps a sample of what passed the filter, in memory and no more than 256 texts, until it is judged.

    `offer` costs the path one random number; a full queue drops the text. `judge_waiting` is for a thread of its own.
    The leak rate is shadow_leaks / shadow_judged.
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
        self._judged = Counter("shadow_judged", "Texts that passed the filter and were judged again", registry=registry)
        self._leaks = Counter("shadow_leaks", "Texts among them with an identifier", ("kind",), registry=registry)

    def offer(self, text: str) -> None:
        """Take a text that passed, perhaps."""
        if self._chance() >= self._share:
            return
        try:
            self._waiting.put_nowait(text)
        except Full:
            return

    def judge_waiting(self) -> int:
        """Judge what waits and return how many texts that were."""
        count = 0
        while True:
            try:
                text = self._waiting.get_nowait()
            except Empty:
                return count
            count += 1
            self._judged.inc()
            for kind in set(self._judge.finds(text)):
                self._leaks.labels(kind).inc()

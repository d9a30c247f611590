"""Texts end at the door: they are judged in a thread of its own, and what they said goes on with their event.

A text is in memory until it is judged, and nowhere else. It never holds an event up for long: what cannot be judged in
time is dropped and counted, and the event goes on without.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import msgspec
from prometheus_client import Counter

from contracts.interaction.v1.interaction_pb2 import Kind
from contracts.interaction.v1.payload import Interaction, Quarantined

#: Kinds of interactions that may come with a text.
SPOKEN = frozenset({Kind.KIND_ASKED, Kind.KIND_PRAISED, Kind.KIND_COMPLAINED, Kind.KIND_ANSWERED_SURVEY})
#: Of a longer text the beginning is judged.
MOST_CHARACTERS = 2_000
#: Whoever refuses one of these with the very event lets nothing follow from words; of others the folder knows.
_NEEDED = frozenset({"collect.behaviour", "remember.conversation"})
_MOST_WAITING = 256
_JUDGED = Counter("texts_judged", "Texts whose evidence went on with their event")
_DROPPED = Counter("texts_dropped", "Texts whose event went on without", ("reason",))

Fate = TypeVar("Fate", bound=Interaction | Quarantined)


class Judge(Protocol):
    """Turns texts into evidence."""

    def judge(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return what each text said."""
        ...


class Texts:
    """Judges the texts of events. What is waited for is bounded: in texts, and in time."""

    def __init__(
        self, load: Callable[[], Judge], *, most_waiting: int = _MOST_WAITING, patience_s: float = 2.0
    ) -> None:
        """Take what loads the judge: called in the thread, with the first text."""
        self._load = functools.cache(load)
        self._most_waiting = most_waiting
        self._patience_s = patience_s
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="texts")

    async def hear(self, fates: Sequence[Fate], said: Mapping[bytes, str]) -> list[Fate]:
        """Return the events, with evidence where one came with a text; `said` has them by message id."""
        places = [place for place, fate in enumerate(fates) if fate.mid in said and _may_be_heard(fate)]
        free = max(0, self._most_waiting - self._waiting)
        _DROPPED.labels("queue_full").inc(len(places[free:]))
        heard = list(fates)
        if places := places[:free]:
            stances = await self._judge([said[fates[place].mid] for place in places])
            for place, each in zip(places, stances, strict=False):
                heard[place] = msgspec.structs.replace(heard[place], stances=each)
        return heard

    async def _judge(self, texts: list[str]) -> list[tuple[int, ...]]:
        self._waiting += len(texts)
        judging = asyncio.get_running_loop().run_in_executor(self._thread, self._loaded, texts)
        judging.add_done_callback(functools.partial(self._settle, len(texts)))
        done, _ = await asyncio.wait([judging], timeout=self._patience_s)
        if not done:
            _DROPPED.labels("late").inc(len(texts))
            return []
        if judging.exception() is not None:
            _DROPPED.labels("failed").inc(len(texts))
            return []
        _JUDGED.inc(len(texts))
        return judging.result()

    def _loaded(self, texts: list[str]) -> list[tuple[int, ...]]:
        return self._load().judge(texts)

    def _settle(self, count: int, judging: asyncio.Future[list[tuple[int, ...]]]) -> None:
        self._waiting -= count
        # Looked at, also when nobody waits any more. Not logged: its message may hold the text.
        if not judging.cancelled():
            judging.exception()


def _may_be_heard(fate: Interaction | Quarantined) -> bool:
    return isinstance(fate, Interaction) and fate.kind in SPOKEN and _NEEDED.isdisjoint(fate.withdrawn)

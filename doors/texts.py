"""Texts end at the door: they are judged in a thread of its own, and what they said goes on with their event.

A text is in memory until it is judged, and nowhere else. It never holds an event up for long: what cannot be judged in
time is dropped and counted, and the event goes on without. A door loads its judge before it serves, so that neither
does anybody wait for that, nor is the first word lost.
"""

import asyncio
import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
from prometheus_client import Counter

from contracts.interaction.v1.interaction_pb2 import Kind
from contracts.interaction.v1.payload import Interaction, Quarantined
from kit.errors import ExhaustedError, UnavailableError
from kit.microbatch import MicroBatcher
from kit.process import Readiness

#: Kinds of interactions that may come with a text.
SPOKEN = frozenset({Kind.KIND_ASKED, Kind.KIND_PRAISED, Kind.KIND_COMPLAINED, Kind.KIND_ANSWERED_SURVEY})
#: Of a longer text the beginning is judged.
MOST_CHARACTERS = 2_000
#: Whoever refuses one of these with the very event lets nothing follow from words; of others the folder knows.
_NEEDED = frozenset({"collect.behaviour", "remember.conversation"})
_MOST_WAITING = 256
# An encoder takes less than half as long for each of so many as for one alone.
_BATCH = 32
_JUDGED = Counter("texts_judged", "Texts whose evidence went on with their event")
_DROPPED = Counter("texts_dropped", "Texts whose event went on without", ("reason",))

Fate = TypeVar("Fate", bound=Interaction | Quarantined)


class Judge(Protocol):
    """Turns texts into evidence."""

    def judge(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Return what each text said."""
        ...


@dataclass(slots=True)
class _Said:
    text: str
    #: Once it is judged.
    stances: tuple[int, ...] = ()


class Texts:
    """Judges the texts of events, those of many requests together. What waits is bounded: in texts, and in time."""

    def __init__(
        self, load: Callable[[], Judge], *, most_waiting: int = _MOST_WAITING, patience_s: float = 2.0
    ) -> None:
        """Take what loads the judge, once and in the thread: with the first text, where `load` did not come before."""
        self._load = functools.cache(load)
        self._is_loaded = False
        self._most_waiting = most_waiting
        self._patience_s = patience_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="texts")
        # Bytes are not what is short here: each text counts as one.
        self._batcher: MicroBatcher[_Said, None] = MicroBatcher(
            self._judge, max_items=_BATCH, max_bytes=_BATCH, max_waiting=most_waiting
        )

    async def load(self, readiness: Readiness) -> None:
        """Load the judge, which readiness misses until then; raises what loading raises."""
        readiness.add("texts", self._check)
        await self._loaded()
        self._is_loaded = True

    async def hear(self, fates: Sequence[Fate], said: Mapping[bytes, str]) -> list[Fate]:
        """Return the events, with evidence where one came with a text; `said` has them by message id."""
        places = [place for place, fate in enumerate(fates) if fate.mid in said and _may_be_heard(fate)]
        heard, judged = list(fates), [_Said(said[fates[place].mid]) for place in places[: self._most_waiting]]
        _DROPPED.labels("queue_full").inc(len(places) - len(judged))
        if judged and (reason := await self._dropped(judged)):
            _DROPPED.labels(reason).inc(len(judged))
        elif judged:
            _JUDGED.inc(len(judged))
            for place, each in zip(places, judged, strict=False):
                heard[place] = msgspec.structs.replace(heard[place], stances=each.stances)
        return heard

    async def _dropped(self, asked: list[_Said]) -> str:
        """Wait until these are judged; return why they are not, "" when they are."""
        try:
            judging = self._batcher.put(0, asked, len(asked))
        except ExhaustedError:
            return "queue_full"
        # Looked at, also when nobody waits any more. Not logged: its message may hold a text.
        judging.add_done_callback(lambda done: done.cancelled() or done.exception())
        done, _ = await asyncio.wait([judging], timeout=self._patience_s)
        if not done:
            return "late"
        return "failed" if judging.exception() is not None else ""

    async def _check(self) -> None:
        if not self._is_loaded:
            raise UnavailableError("the judge of texts is being loaded")

    async def _judge(self, _: int, waiting: list[_Said]) -> None:
        judge = await self._loaded()
        texts, loop = [each.text for each in waiting], asyncio.get_running_loop()
        judged = await loop.run_in_executor(self._thread, judge.judge, texts)
        for each, stances in zip(waiting, judged, strict=True):
            each.stances = stances

    async def _loaded(self) -> Judge:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._load)


def _may_be_heard(fate: Interaction | Quarantined) -> bool:
    return isinstance(fate, Interaction) and fate.kind in SPOKEN and _NEEDED.isdisjoint(fate.withdrawn)

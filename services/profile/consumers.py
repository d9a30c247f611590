"""The folder's door: takes messages of its partitions from the stream and folds what waits in all of them together."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import nats.errors
from opentelemetry.context import Context
from opentelemetry.trace import Link, get_current_span
from prometheus_client import Counter

from kit.cancelling import raise_if_cancelled
from kit.db import raw
from kit.events import Follower, Message, StreamReplacedError, Subscription
from kit.process import wait_for
from kit.telemetry import logger, span
from services.profile import messages
from services.profile.days import Days
from services.profile.domain import Partition
from services.profile.hot import Hot
from services.profile.lanes import Lane, events_of, is_enough, take_turns
from services.profile.repository import positions
from services.profile.repository.positions import Beginning, Position
from services.profile.settings import ProfileSettings
from services.profile.streams import IDENTIFY, Streams
from services.profile.use_cases.fold import Fold
from services.profile.use_cases.parts import Folding, HaltedError, Owner, Part, recreated

_LOG = logger(__name__)
_EVENTS = Counter("profile_events_taken", "Events taken from the stream, whatever became of them")
_FAILED = Counter("profile_folds_failed", "Folds of which nothing was kept, and that are tried again")
# One is written while the next one grows.
_MOST_UNDER_WAY = 2
# 64 kB of names in one hint.
_HINTED = 4_000
# Timers may ring that much early.
_TIMER_S = 0.002
# In memory per partition: the fold under way and the next one.
_FOLDS_WAITING = 2


@dataclass(frozen=True, slots=True)
class _Flight:
    """A fold under way, and the lanes it took its parts from."""

    fold: Fold
    parts: Mapping[Lane, Part]
    task: asyncio.Task[None]
    is_alone: bool


class Folder:
    """Folds the partitions it was given, together, as their owner; all are of one brand.

    What arrives after a pause is folded at once. Then folds begin at least `fold_every_s` apart: a fold of one event
    takes about as many trips to the databases as one of a thousand.
    """

    def __init__(self, folding: Folding, streams: Streams, days: Days, settings: ProfileSettings) -> None:
        self._folding = folding
        self._streams = streams
        self._days = days
        self._settings = settings
        self._hot = Hot()
        self._lanes: set[Lane] = set()
        self._flights: deque[_Flight] = deque()
        self._news = asyncio.Event()
        #: When the next fold may begin.
        self._next_s = 0.0

    async def run(self, partition: Partition) -> None:
        """Own the partition in all classes and take its messages in until cancelled; `fold_on` folds them.

        Raises FencedError when another folder has taken over, StreamRecreatedError and TooManyDeadLettersError when
        somebody has to look. Nothing is skipped.
        """
        stream_created = await self._streams.identity(partition)
        # In every class before a message of any is taken: they change the same facets, and whoever owned one of them
        # must have lost it by then. That holds for a class without a server too, since another folder may know one.
        claimed = [(each, await self._claim(each, stream_created)) for each in partition.siblings()]
        # Others may have folded this partition since we last did.
        self._hot.clear()
        served = [claim for claim in claimed if claim[0].durability_class in self._streams.classes]
        running = [asyncio.create_task(self._run(*claim)) for claim in served]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in running:
                if task.done():
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _claim(self, partition: Partition, stream_created: str) -> Position:
        # A forgetful stream is looked at when its server answers, which others do not wait for.
        known = "" if partition.is_forgetful else stream_created
        async with self._folding.stores.profile.transaction() as transaction:
            return await positions.claim(await raw(transaction), partition, known, self._folding.stores.now_ms())

    async def _run(self, partition: Partition, position: Position) -> None:
        while True:
            if partition.is_forgetful:
                position = await self._begin(partition, position)
            try:
                await self._take_on(partition, position)
            except StreamReplacedError as error:
                if not partition.is_forgetful:
                    raise recreated(position.stream_created, await self._streams.identity(partition)) from error
                _LOG.warning("stream.replaced", partition=partition.number, exc_info=error)

    async def _begin(self, partition: Partition, position: Position) -> Position:
        """Go on with a stream of a server that may have forgotten its last messages, or begin anew."""
        found: list[Beginning] = []

        async def look() -> None:
            await self._streams.prepare(partition.durability_class)
            found.append(await self._streams.beginning(partition))

        await wait_for(look, f"stream of class {partition.durability_class}")
        async with self._folding.stores.profile.transaction() as transaction:
            return await positions.begin(await raw(transaction), partition, position.owner_epoch, found[-1])

    async def _take_on(self, partition: Partition, position: Position) -> None:
        """Take in what comes behind the position until somebody has to look."""
        owner = Owner(partition, position.stream_created, position.owner_epoch)
        lane = Lane(owner, _FOLDS_WAITING * self._settings.fold_events, self._news)
        facts = {"partition": partition.number, "durability_class": partition.durability_class}
        _LOG.info("partition.owned", **facts, epoch=owner.epoch, sequence=position.sequence)
        self._lanes.add(lane)
        following = asyncio.create_task(self._follow(lane, position.sequence))
        try:
            await asyncio.wait((following, lane.halted), return_when=asyncio.FIRST_COMPLETED)
            if lane.halted.done():
                raise lane.halted.result()
            await following
        finally:
            self._lanes.discard(lane)
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self, lane: Lane, position: int) -> None:
        partition, epochs = lane.owner.partition, self._folding.epochs
        subscription = Subscription(
            stream=messages.STREAM,
            durable=_durable(partition),
            subjects=(messages.received_subject(partition),),
            created_id=lane.owner.stream_created,
            max_messages=self._settings.fold_messages,
            identify=IDENTIFY[partition.durability_class],
        )

        async def take_in(taken: list[Message]) -> None:
            # Handled is what waits in memory: where a folder begins again says the committed position, not the server.
            for each in taken:
                await lane.put(messages.open_message(partition, each.sequence, each.data, epochs))
                await asyncio.sleep(0)

        await Follower(self._streams.client(partition.durability_class), subscription, position, take_in).run()

    def erase(self, pids: Sequence[bytes]) -> None:
        """Forget what is known of these."""
        self._hot.erase(pids)

    async def fold_on(self) -> None:
        """Fold whatever waits in any partition until cancelled."""
        try:
            while True:
                raise_if_cancelled()
                self._news.clear()
                while self._flights and self._flights[0].task.done():
                    await self._land(self._flights.popleft())
                self._depart()
                await self._news.wait()
        finally:
            await self._cancel_flights()

    def _depart(self) -> None:
        if len(self._flights) == _MOST_UNDER_WAY or not all(_may_be_followed(flight) for flight in self._flights):
            return
        ready = [lane for lane in self._lanes if lane.has_more]
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if now_s + _TIMER_S < self._next_s:
            return
        troubled = [lane for lane in ready if lane.failures and lane.rests_until <= now_s]
        chosen = [lane for lane in ready if not lane.failures]
        if troubled:
            if self._flights:
                return
            # Alone: whatever it is that fails, the others go on.
            chosen = [min(troubled, key=lambda lane: lane.rests_until)]
        if self._flights and not is_enough(chosen, self._settings.fold_events):
            return
        if chosen:
            self._next_s = now_s + self._settings.fold_every_s
            loop.call_at(self._next_s, self._news.set)
            parts = take_turns(chosen, self._settings.fold_messages, self._settings.fold_events)
            self._flights.append(self._start(parts, is_alone=bool(troubled)))

    def _start(self, parts: Mapping[Lane, Part], *, is_alone: bool) -> _Flight:
        before = self._flights[-1].fold if self._flights else None
        fold = Fold(self._folding, self._hot, list(parts.values()), before, self._news.set)
        task = asyncio.create_task(self._fold(fold, [lane.context for lane in parts if lane.context is not None]))
        task.add_done_callback(lambda _: self._news.set())
        return _Flight(fold, parts, task, is_alone)

    async def _fold(self, fold: Fold, contexts: Sequence[Context]) -> None:
        links = [Link(get_current_span(context).get_span_context()) for context in contexts[1:]]
        with span("fold", parent=contexts[0] if contexts else None, links=links):
            await self._days.ensure_present()
            await fold.run()

    async def _land(self, flight: _Flight) -> None:
        error = flight.task.exception()
        if error is None:
            changed = list(flight.fold.changed)
            for lane, part in flight.parts.items():
                lane.let_go(len(part.opened))
                _EVENTS.inc(sum(map(events_of, part.opened)))
                await self._hint(part.owner.partition, part.opened[-1].sequence, changed)
                changed = []
            return
        await self._cancel_flights()
        for lane in self._lanes:
            lane.give_back()
        if isinstance(error, HaltedError):
            for lane in flight.parts:
                if lane.owner.partition == error.partition:
                    lane.halt(error.error)
            self._news.set()
            return
        self._trouble(flight, error)

    def _trouble(self, flight: _Flight, error: BaseException) -> None:
        loop = asyncio.get_running_loop()
        for lane in flight.parts:
            loop.call_later(lane.trouble(loop.time()), self._news.set)
        numbers = [lane.owner.partition.number for lane in flight.parts]
        failures = max(lane.failures for lane in flight.parts)
        _FAILED.inc()
        _LOG.error("fold.failed", partitions=numbers, failures=failures, exc_info=error)

    async def _cancel_flights(self) -> None:
        for flight in self._flights:
            flight.task.cancel()
        await asyncio.gather(*(flight.task for flight in self._flights), return_exceptions=True)
        self._flights.clear()
        self._hot.clear()

    async def _hint(self, partition: Partition, sequence: int, pids: Sequence[bytes]) -> None:
        client, subject = self._streams.client(), messages.changed_subject(partition.brand)
        try:
            # Whoever waits for the sequence must not find what was read before the fold: the names go first.
            for start in range(_HINTED, len(pids), _HINTED):
                await client.publish(subject, messages.hint(partition, 0, pids[start : start + _HINTED]))
            await client.publish(subject, messages.hint(partition, sequence, pids[:_HINTED]))
        except nats.errors.Error as error:
            # A hint may be lost; the fold is committed.
            _LOG.warning("hint.lost", exc_info=error)


def _durable(partition: Partition) -> str:
    durable = f"profile-folds-{partition.brand}-{partition.number}"
    # Metrics tell followers apart by this.
    return f"{durable}-class-{partition.durability_class}" if partition.is_forgetful else durable


def _may_be_followed(flight: _Flight) -> bool:
    return flight.fold.has_shared_out and not flight.is_alone and not flight.task.done()

"""What waits to be folded, a lane for each partition: taken, and let go when it is committed or given back."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice

from opentelemetry.context import Context
from opentelemetry.context import get_current as current_context

from kit.cancelling import raise_if_cancelled
from kit.errors import TypedError
from services.profile.domain import Batch, Poison
from services.profile.use_cases.parts import Owner, Part

_FIRST_PAUSE_S = 0.1
_MOST_PAUSE_S = 30.0
# A fold begins beside another when a fifth of the largest one waits.
_BESIDE = 5

Opened = Batch | Poison


class Lane:
    """One partition's messages in the order of the stream; the first of them may be in a fold."""

    def __init__(self, owner: Owner, most_events: int, news: asyncio.Event) -> None:
        self.owner = owner
        #: Folds in a row that failed. A lane in trouble is folded alone, so that it stops no other.
        self.failures = 0
        self.rests_until = 0.0
        self.halted: asyncio.Future[TypedError] = asyncio.get_running_loop().create_future()
        self._most_events = most_events
        self._news = news
        self._waiting: deque[Opened] = deque()
        self._taken = 0
        self._events = 0
        self._events_taken = 0
        self._last = 0
        self._room = asyncio.Event()
        #: The trace of the first message that is in no fold.
        self.context: Context | None = None

    async def put(self, opened: Opened) -> None:
        """Add a message, once; while too much waits already, wait."""
        if opened.sequence <= self._last:
            return
        while self._events >= self._most_events:
            raise_if_cancelled()
            self._room.clear()
            await self._room.wait()
        if not self.has_more:
            self.context = current_context()
        self._waiting.append(opened)
        self._last = opened.sequence
        self._events += events_of(opened)
        self._news.set()

    @property
    def has_more(self) -> bool:
        """True when something waits that is in no fold."""
        return len(self._waiting) > self._taken and not self.halted.done()

    @property
    def events_more(self) -> int:
        """Events that wait and are in no fold."""
        return self._events - self._events_taken

    def peek(self, most: int) -> list[Opened]:
        """Return the next messages that are in no fold."""
        return list(islice(self._waiting, self._taken, self._taken + most))

    def take(self, count: int) -> None:
        self._events_taken += sum(map(events_of, self.peek(count)))
        self._taken += count

    def let_go(self, count: int) -> None:
        """Forget the first messages: they are committed."""
        events = sum(events_of(self._waiting.popleft()) for _ in range(count))
        self._events -= events
        self._events_taken -= events
        self._taken -= count
        self.failures = 0
        self._room.set()

    def give_back(self) -> None:
        """Have everything that was taken and is not committed taken again."""
        self._taken = self._events_taken = 0

    def trouble(self, now_s: float) -> float:
        """Count a failure, and return the seconds after which to try again."""
        self.failures += 1
        pause_s = min(_MOST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(self.failures - 1, 16))
        self.rests_until = now_s + pause_s
        return pause_s

    def halt(self, error: TypedError) -> None:
        if not self.halted.done():
            self.halted.set_result(error)


def is_enough(lanes: Sequence[Lane], most_events: int) -> bool:
    """Tell whether what waits is enough for a fold beside another, of folds of so many events at most.

    A small one would take from the other what it gains, and what every fold costs once more.
    """
    return sum(lane.events_more for lane in lanes) * _BESIDE >= most_events


def take_turns(lanes: Sequence[Lane], most_messages: int, most_events: int) -> dict[Lane, Part]:
    """Take one message of each lane in turn, up to so many of one lane and so many events of all; at least one."""
    unread = {lane: deque(lane.peek(most_messages)) for lane in lanes}
    taken: dict[Lane, list[Opened]] = {lane: [] for lane in lanes}
    events = 0
    while any(unread.values()) and events < most_events:
        for lane, messages in unread.items():
            if messages and events < most_events:
                taken[lane].append(messages.popleft())
                events += events_of(taken[lane][-1])
    for lane, part in taken.items():
        lane.take(len(part))
    return {lane: Part(lane.owner, part) for lane, part in taken.items() if part}


def events_of(message: Opened) -> int:
    # What was mended is counted nowhere, and takes as much time.
    mended = len(message.mended) if isinstance(message, Batch) else 0
    return mended + sum(count for _, count in message.counts)

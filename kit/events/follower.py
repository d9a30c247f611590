"""A follower hands a stream's messages on in order, forgets none, and says loudly when it cannot."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import nats.errors
from nats.aio.client import Client
from opentelemetry.trace import Link, SpanContext, SpanKind, get_current_span
from prometheus_client import Counter, Gauge

from kit.cancelling import raise_if_cancelled
from kit.errors import Status, TypedError
from kit.events.pull import Message, Pull, PullLostError, StreamReplacedError, Subscription
from kit.telemetry import extract, logger, span

_LOG = logger(__name__)
_HANDLED = Counter("follower_handled", "Messages handled", ("durable",))
_LAG = Gauge("follower_lag_messages", "Messages of the stream not yet handled", ("durable",))
_POSITION = Gauge("follower_position", "Sequence of the last message handled", ("durable",))
_FAILING = Gauge("follower_failing", "Attempts in a row that failed; 0 while all is well", ("durable",))
_FIRST_PAUSE_S = 0.1
_MOST_PAUSE_S = 30.0
_MAX_LINKS = 32


class StopFollowingError(TypedError):
    """Raised by a handler that must not go on, such as one whose place another owner has taken. Ends run()."""

    reason = "STOPPED_FOLLOWING"
    status = Status.CONFLICT


class Follower:
    """Hands lists of messages behind `position` to `handle`, one list at a time, in the order of the stream.

    `handle` commits effect and position together. When it raises, the same list comes again after a pause, for ever;
    only StopFollowingError ends the follower. After a restart messages may come again that were handled but not
    acknowledged if `position` is older than the commit: hand in the committed one.
    """

    def __init__(
        self,
        client: Client,
        subscription: Subscription,
        position: int,
        handle: Callable[[list[Message]], Awaitable[None]],
    ) -> None:
        self._pull = Pull(client, subscription)
        self._durable = subscription.durable
        self._position = position
        self._handle = handle
        self._held: list[Message] = []
        self._failures = 0

    @property
    def position(self) -> int:
        """Sequence of the last message handled."""
        return self._position

    @property
    def created_id(self) -> str:
        """The stream's id, "" until the first attachment. Keep it beside the position."""
        return self._pull.created_id

    async def run(self) -> None:
        """Follow until cancelled. Raises StopFollowingError or StreamReplacedError; nothing was skipped then either."""
        try:
            while True:
                raise_if_cancelled()
                await self._attempt()
        finally:
            with suppress(nats.errors.Error):
                await self._pull.detach()

    async def check(self) -> None:
        """Be a readiness check: raises while attempts fail."""
        if self._failures:
            raise PullLostError(field=self._durable)

    async def _attempt(self) -> None:
        try:
            await self._step()
        except (StopFollowingError, StreamReplacedError) as error:
            _LOG.error("follower.stopped", durable=self._durable, position=self._position, exc_info=error)
            raise
        except Exception as error:  # noqa: BLE001 - place 3 of 3: whatever a handler raises, the message stays
            await self._recover(error)
        else:
            self._calm()

    async def _step(self) -> None:
        if not self._held:
            if not self._pull.attached:
                await self._pull.attach(self._position)
            self._held = await self._pull.next()
        await self._hand_over(self._held)
        _HANDLED.labels(self._durable).inc(len(self._held))
        last, self._held = self._held[-1], []
        self._position = last.sequence
        _POSITION.labels(self._durable).set(last.sequence)
        _LAG.labels(self._durable).set(last.pending)
        await self._pull.acknowledge(last)

    async def _hand_over(self, messages: list[Message]) -> None:
        parent = extract(messages[0].headers)
        links = [Link(context) for context in _contexts(messages[1 : _MAX_LINKS + 1])]
        facts = {"messages": len(messages)}
        with span(f"follow {self._durable}", parent=parent, kind=SpanKind.CONSUMER, links=links, attributes=facts):
            await self._handle(messages)

    async def _recover(self, error: Exception) -> None:
        self._failures += 1
        _FAILING.labels(self._durable).set(self._failures)
        _LOG.error(
            "follower.failed",
            durable=self._durable,
            position=self._position,
            failures=self._failures,
            exc_info=error,
        )
        if not self._held:
            with suppress(nats.errors.Error):
                await self._pull.detach()
        await asyncio.sleep(min(_MOST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._failures - 1, 16)))

    def _calm(self) -> None:
        if self._failures:
            _LOG.info("follower.recovered", durable=self._durable, failures=self._failures)
        self._failures = 0
        _FAILING.labels(self._durable).set(0)


def _contexts(messages: list[Message]) -> list[SpanContext]:
    found = (get_current_span(extract(message.headers)).get_span_context() for message in messages)
    return [context for context in found if context.is_valid]

"""Pulling one consumer: what arrives is checked to be without gap, and is never more than two batches."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo
from nats.js.errors import NotFoundError

from kit.cancelling import raise_if_cancelled, rest
from kit.errors import Status, TypedError
from kit.events import streams

_NANO = 1_000_000_000
_EXPIRES_S = 30
_HEARTBEAT_S = 1.0
# Nothing is redelivered on purpose: whoever starts takes up behind the position.
_ACK_WAIT_S = 3600
_API_S = 5.0
_HEARTBEAT, _NONE, _EXPIRED, _CONFLICT = "100", "404", "408", "409"
_TOO_LARGE = "Message Size Exceeds MaxBytes"
_BATCH_COMPLETED = "Batch Completed"


class StreamReplacedError(TypedError):
    """The stream is not the one the position belongs to: re-created, or restored to before the position."""

    reason = "STREAM_REPLACED"
    status = Status.CONFLICT


class PullLostError(TypedError):
    """The consumer has to be attached again: silence, a gap, or somebody else took it over."""

    reason = "PULL_LOST"
    status = Status.UNAVAILABLE


@dataclass(frozen=True)
class Subscription:
    """What to follow. `durable` names the listener; `created_id` is the stream's, "" while none is known.

    `identify` reads that id out of a stream's description.
    """

    stream: str
    durable: str
    subjects: tuple[str, ...]
    created_id: str = ""
    max_messages: int = 64
    max_bytes: int = 8 * 1024 * 1024
    identify: Callable[[StreamInfo], str] = streams.created_id


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream. `pending` counts the messages behind it."""

    sequence: int
    subject: str
    data: bytes
    headers: Mapping[str, str]
    published_at: datetime
    pending: int
    reply: str = field(repr=False)


class Pull:
    """A durable consumer, made anew at each attachment, so that delivery begins right behind the position."""

    def __init__(self, client: Client, subscription: Subscription) -> None:
        self.created_id = subscription.created_id
        self._client = client
        self._js = client.jetstream(timeout=_API_S)
        self._subscription = subscription
        self._inbox: NatsSubscription | None = None
        self._reconnects = 0
        self._arrived = asyncio.Event()
        self._reset()

    def _reset(self) -> None:
        self._buffer: deque[Message] = deque()
        self._expected = 1
        self._wanted = 0
        self._lost = ""
        self._max_bytes = self._subscription.max_bytes
        self._arrived.clear()

    @property
    def attached(self) -> bool:
        """True between attach and detach."""
        return self._inbox is not None

    async def attach(self, position: int) -> None:
        """Make the consumer begin behind `position`. Raises StreamReplacedError when that is of another stream."""
        self._reconnects = self._client.stats["reconnects"]
        self._check(await self._js.stream_info(self._subscription.stream), position)
        await self.detach()
        self._reset()
        with suppress(NotFoundError):
            await self._js.delete_consumer(self._subscription.stream, self._subscription.durable)
        await self._js.add_consumer(self._subscription.stream, self._config(position))
        self._inbox = await self._client.subscribe(self._client.new_inbox(), cb=self._take)

    async def detach(self) -> None:
        """Stop listening; the consumer stays and shows how far it got."""
        inbox, self._inbox = self._inbox, None
        if inbox is not None and not self._client.is_closed:
            await inbox.unsubscribe()

    async def next(self) -> list[Message]:
        """Wait for messages and return what has arrived, while the next ones are already under way."""
        while not self._buffer:
            raise_if_cancelled()
            if self._lost:
                raise PullLostError(self._lost)
            await self._ask()
            self._arrived.clear()
            if not await rest(self._arrived, _HEARTBEAT_S * 3):
                raise PullLostError("silent")
        count = min(len(self._buffer), self._subscription.max_messages)
        batch = [self._buffer.popleft() for _ in range(count)]
        if not self._lost:
            await self._ask()
        return batch

    async def acknowledge(self, last: Message) -> None:
        """Tell the server that everything up to `last` is done."""
        await self._client.publish(last.reply)

    def _check(self, info: StreamInfo, position: int) -> None:
        found = self._subscription.identify(info)
        if self.created_id and found != self.created_id:
            raise StreamReplacedError("the stream was created anew", field=self._subscription.stream)
        if position > (info.state.last_seq or 0):
            raise StreamReplacedError("the stream ends before the position", field=self._subscription.stream)
        self.created_id = found

    def _config(self, position: int) -> ConsumerConfig:
        return ConsumerConfig(
            durable_name=self._subscription.durable,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=position + 1,
            ack_policy=AckPolicy.ALL,
            ack_wait=_ACK_WAIT_S,
            max_ack_pending=-1,
            filter_subjects=list(self._subscription.subjects),
        )

    async def _ask(self) -> None:
        if self._wanted > 0 or self._inbox is None:
            return
        self._wanted = self._subscription.max_messages
        request = {
            "batch": self._wanted,
            "max_bytes": self._max_bytes,
            "expires": _EXPIRES_S * _NANO,
            "idle_heartbeat": int(_HEARTBEAT_S * _NANO),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._subscription.stream}.{self._subscription.durable}"
        await self._client.publish(subject, json.dumps(request).encode(), reply=self._inbox.subject)

    async def _take(self, received: Msg) -> None:
        code = (received.headers or {}).get("Status", "")
        if code and not received.reply.startswith("$JS.ACK"):
            self._take_status(code, (received.headers or {}).get("Description", ""))
        else:
            self._take_message(received)
        self._arrived.set()

    def _take_status(self, code: str, description: str) -> None:
        if code == _HEARTBEAT:
            return
        if code == _CONFLICT and description.startswith(_TOO_LARGE):
            # One message above the bound would otherwise stop the listener for good.
            self._max_bytes = self._max_bytes if self._wanted < self._subscription.max_messages else self._max_bytes * 2
            self._wanted = 0
        elif code in (_NONE, _EXPIRED) or description.startswith(_BATCH_COMPLETED):
            self._wanted = 0
        else:
            self._lost = "ended by the server"

    def _take_message(self, received: Msg) -> None:
        if self._lost:
            return
        if self._client.stats["reconnects"] != self._reconnects:
            # The server may have begun anew, and the stream be another than the one that was checked.
            self._lost = "reconnected"
            return
        facts = received.metadata
        if facts.sequence.consumer != self._expected:
            self._lost = "gap"
            return
        self._expected += 1
        self._wanted -= 1
        self._max_bytes = self._subscription.max_bytes
        self._buffer.append(
            Message(
                facts.sequence.stream,
                received.subject,
                received.data,
                received.headers or {},
                facts.timestamp,
                facts.num_pending,
                received.reply,
            )
        )

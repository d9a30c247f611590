"""Looks at what lies on the streams without taking it."""

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from kit.errors import UnavailableError
from services.profile import messages
from services.profile.domain import Partition

_FETCH_S = 2.0
_IDLE_S = 10.0


class Streams:
    """The two streams, as far as somebody may look. What is looked at is bounded by `most` messages a question."""

    def __init__(self, js: JetStreamContext, most: int = 256) -> None:
        self._js = js
        self._most = most

    async def waiting(self, partition: Partition, after: int) -> list[messages.Awaited]:
        """Return what is not folded yet of one partition."""
        found, _ = await self._look(messages.STREAM, messages.received_subject(partition), after)
        return [outside for data in found if (outside := messages.read_outside(data)) is not None]

    async def append(self, partition: Partition, data: bytes) -> None:
        """Put a message on the stream of interactions and return once it is durable; raises UnavailableError."""
        try:
            await self._js.publish(messages.received_subject(partition), data)
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            raise UnavailableError("the stream does not take it", retry_after_s=1) from error

    async def keys_received(self) -> set[str] | None:
        """Return the epoch keys of what doors have put on the stream; None when there is more than is looked at."""
        return await self._keys(messages.STREAM, messages.SUBJECTS, 0)

    async def keys_announced(self) -> set[str] | None:
        """Return the epoch keys of lessons that some listener has not acknowledged; None when there are too many."""
        try:
            listeners = await self._js.consumers_info(messages.ANNOUNCED)
        except NotFoundError:
            return set()
        durables = (listener for listener in listeners if listener.config.durable_name)
        floors = [durable.ack_floor.stream_seq if durable.ack_floor else 0 for durable in durables]
        return await self._keys(messages.ANNOUNCED, messages.ANNOUNCED_SUBJECTS, min(floors, default=0))

    async def _keys(self, stream: str, subject: str, after: int) -> set[str] | None:
        found, is_all = await self._look(stream, subject, after)
        return {messages.epoch_key_of(data) for data in found} if is_all else None

    async def _look(self, stream: str, subject: str, after: int) -> tuple[list[bytes], bool]:
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_IDLE_S,
            mem_storage=True,
        )
        try:
            subscription = await self._js.pull_subscribe(subject, stream=stream, config=config)
            try:
                waiting = (await subscription.consumer_info()).num_pending or 0
                wanted = min(waiting, self._most)
                found = await subscription.fetch(wanted, _FETCH_S) if wanted else []
            finally:
                await subscription.unsubscribe()
        except (nats.errors.Error, OSError) as error:
            raise UnavailableError("the streams do not answer", retry_after_s=1) from error
        return [each.data for each in found], waiting <= self._most

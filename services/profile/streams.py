"""The streams of all durability classes: looked at without taking, made where missing, emptied behind a fold."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo
from nats.js.errors import NotFoundError

from kit.errors import UnavailableError
from kit.events import created_id, ensure_stream, forget, run_id
from services.profile import messages
from services.profile.domain import POWER_CUT, PROCESS_DEATH, Partition
from services.profile.repository.positions import Beginning, Position

_FETCH_S = 2.0
_IDLE_S = 10.0
#: What tells a stream from another: in class 1 a run of its server, which may have forgotten what the last one had.
IDENTIFY = {POWER_CUT: created_id, PROCESS_DEATH: run_id}


class Streams:
    """The stream of interactions in each class that has a server, and the stream of what is announced, in class 2.

    What is looked at is bounded by `most` messages a question. Raises UnavailableError while a server does not answer.
    """

    def __init__(self, clients: Mapping[int, Client], max_bytes: int, most: int = 256) -> None:
        """Take a client for each class, and the largest size of a stream where this process is the first to make it."""
        self._clients = clients
        self._max_bytes = max_bytes
        self._most = most

    @property
    def classes(self) -> Collection[int]:
        """Durability classes that have a server."""
        return self._clients.keys()

    def client(self, durability_class: int = POWER_CUT) -> Client:
        return self._clients[durability_class]

    async def prepare(self, durability_class: int = POWER_CUT) -> None:
        """Make the stream of interactions where nobody has yet."""
        with _answering():
            js = self._jetstream(durability_class)
            await ensure_stream(js, messages.STREAM, [messages.SUBJECTS], max_bytes=self._max_bytes)

    async def check(self, durability_class: int = POWER_CUT) -> None:
        """Be a readiness check: raises while the connection is lost."""
        self._jetstream(durability_class)

    async def identity(self, partition: Partition) -> str:
        """Return what tells the stream of a partition from another of the same name."""
        with _answering():
            return IDENTIFY[partition.durability_class](await self._info(partition))

    async def beginning(self, partition: Partition) -> Beginning:
        """Return where to begin with a stream of which nothing is known, so that nothing there is passed by."""
        with _answering():
            info = await self._info(partition)
            first, last = max(0, (info.state.first_seq or 0) - 1), info.state.last_seq or 0
            try:
                subject = messages.received_subject(partition)
                await self._jetstream(partition.durability_class).get_last_msg(messages.STREAM, subject)
            except NotFoundError:
                # Whatever comes now is behind the last there was.
                first = last
            return Beginning(IDENTIFY[partition.durability_class](info), first, last)

    async def waiting(self, partition: Partition, position: Position | None) -> list[messages.Awaited]:
        """Return what is not folded yet of one partition; where the position is of another stream, all there is."""
        after = 0
        # A stream that forgets nothing and is another stops its folder, so that there is nobody to wait for.
        if position is not None:
            is_same = not partition.is_forgetful or await self.identity(partition) == position.stream_created
            after = position.sequence if is_same else 0
        subject = messages.received_subject(partition)
        found, _ = await self._look(partition.durability_class, messages.STREAM, subject, after)
        return [outside for data in found if (outside := messages.read_outside(data)) is not None]

    async def purge(self, partition: Partition, position: Position) -> None:
        """Take what is folded off the stream, unless the position is of another stream."""
        if await self.identity(partition) != position.stream_created:
            return
        with _answering():
            js, subject = self._jetstream(partition.durability_class), messages.received_subject(partition)
            await forget(js, messages.STREAM, subject, position.sequence)

    async def append(self, partition: Partition, data: bytes) -> None:
        """Put a message on the stream of interactions and return once it is durable."""
        with _answering():
            await self._jetstream(partition.durability_class).publish(messages.received_subject(partition), data)

    async def keys_received(self) -> set[str] | None:
        """Return the epoch keys of what doors have put on any stream; None when there is more than is looked at."""
        keys: set[str] = set()
        for durability_class in self.classes:
            found = await self._keys(durability_class, messages.STREAM, messages.SUBJECTS, 0)
            if found is None:
                return None
            keys |= found
        return keys

    async def keys_announced(self) -> set[str] | None:
        """Return the epoch keys of lessons that some listener has not acknowledged; None when there are too many."""
        try:
            listeners = await self._jetstream(POWER_CUT).consumers_info(messages.ANNOUNCED)
        except NotFoundError:
            return set()
        durables = (listener for listener in listeners if listener.config.durable_name)
        floors = [durable.ack_floor.stream_seq if durable.ack_floor else 0 for durable in durables]
        return await self._keys(POWER_CUT, messages.ANNOUNCED, messages.ANNOUNCED_SUBJECTS, min(floors, default=0))

    async def _keys(self, durability_class: int, stream: str, subject: str, after: int) -> set[str] | None:
        found, is_all = await self._look(durability_class, stream, subject, after)
        return {messages.epoch_key_of(data) for data in found} if is_all else None

    async def _look(self, durability_class: int, stream: str, subject: str, after: int) -> tuple[list[bytes], bool]:
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_IDLE_S,
            mem_storage=True,
        )
        with _answering():
            js = self._jetstream(durability_class)
            subscription = await js.pull_subscribe(subject, stream=stream, config=config)
            try:
                waiting = (await subscription.consumer_info()).num_pending or 0
                wanted = min(waiting, self._most)
                found = await subscription.fetch(wanted, _FETCH_S) if wanted else []
            finally:
                await subscription.unsubscribe()
        return [each.data for each in found], waiting <= self._most

    async def _info(self, partition: Partition) -> StreamInfo:
        return await self._jetstream(partition.durability_class).stream_info(messages.STREAM)

    def _jetstream(self, durability_class: int) -> JetStreamContext:
        client = self._clients[durability_class]
        # What is asked before the first connection would be sent with it, long after somebody waited for the answer.
        if not client.is_connected:
            raise UnavailableError("the streams do not answer", retry_after_s=1)
        return client.jetstream()


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (nats.errors.Error, OSError) as error:
        raise UnavailableError("the streams do not answer", retry_after_s=1) from error

"""The folder's door: takes messages of its partitions from the stream and hands them to the fold."""

from collections.abc import Iterator, Sequence

import nats.errors
from nats.aio.client import Client
from prometheus_client import Counter

from kit.db import raw
from kit.errors import TypedError
from kit.events import Follower, Message, StopFollowingError, StreamReplacedError, Subscription
from kit.telemetry import logger
from services.profile import messages
from services.profile.days import Days
from services.profile.domain import (
    Batch,
    FencedError,
    Partition,
    Poison,
    StreamRecreatedError,
    TooManyDeadLettersError,
)
from services.profile.repository import positions
from services.profile.settings import ProfileSettings
from services.profile.use_cases.fold import Folding, Owner, fold, recreated

_LOG = logger(__name__)
_EVENTS = Counter("profile_events_taken", "Events taken from the stream, whatever became of them")
_ENDS = (FencedError, StreamRecreatedError, TooManyDeadLettersError)


class PartitionFolder:
    """Folds one partition as its owner."""

    def __init__(self, folding: Folding, client: Client, days: Days, settings: ProfileSettings) -> None:
        self._folding = folding
        self._client = client
        self._days = days
        self._settings = settings
        self._end: TypedError | None = None

    async def run(self, partition: Partition, stream_created: str) -> None:
        """Own the partition and fold until cancelled.

        Raises FencedError when another folder has taken over, StreamRecreatedError and TooManyDeadLettersError when
        somebody has to look. Nothing is skipped.
        """
        async with self._folding.stores.profile.transaction() as transaction:
            position = await positions.claim(
                await raw(transaction), partition, stream_created, self._folding.stores.now_ms()
            )
        owner = Owner(partition, position.stream_created, position.owner_epoch)
        subscription = Subscription(
            stream=messages.STREAM,
            durable=f"profile-folds-{partition.brand}-{partition.number}",
            subjects=(messages.received_subject(partition),),
            created_id=owner.stream_created,
            max_messages=self._settings.fold_messages,
        )

        async def handle(taken: list[Message]) -> None:
            await self.take(owner, taken)

        _LOG.info("partition.owned", partition=partition.number, epoch=owner.epoch, sequence=position.sequence)
        try:
            await Follower(self._client, subscription, position.sequence, handle).run()
        except StreamReplacedError as error:
            raise recreated(owner.stream_created, stream_created) from error
        except StopFollowingError:
            if self._end is None:
                raise
            raise self._end from None

    async def take(self, owner: Owner, taken: Sequence[Message]) -> None:
        """Fold messages as they came from the stream, and hint that facets changed."""
        epochs = self._folding.epochs
        opened = [messages.open_message(owner.partition, each.sequence, each.data, epochs) for each in taken]
        await self._days.ensure_present()
        try:
            for part in _parts(opened, self._settings.fold_events):
                await fold(self._folding, owner, part)
        except _ENDS as error:
            self._end = error
            raise StopFollowingError(error.message) from error
        _EVENTS.inc(sum(count for message in opened for _, count in message.counts))
        await self._hint(owner.partition, taken[-1].sequence)

    async def _hint(self, partition: Partition, sequence: int) -> None:
        subject = messages.changed_subject(partition.brand)
        try:
            await self._client.publish(subject, messages.hint(partition, sequence))
        except nats.errors.Error as error:
            # A hint may be lost; the fold is committed.
            _LOG.warning("hint.lost", exc_info=error)


def _parts(opened: Sequence[Batch | Poison], most_events: int) -> Iterator[list[Batch | Poison]]:
    part: list[Batch | Poison] = []
    events = 0
    for message in opened:
        size = sum(count for _, count in message.counts)
        if part and events + size > most_events:
            yield part
            part, events = [], 0
        part.append(message)
        events += size
    if part:
        yield part

"""What a fold is made of: parts of partitions, the owners they are folded for, and a desk with both transactions."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.epochs import EpochKeys
from kit.errors import TypedError
from services.profile.domain import Batch, Partition, Poison
from services.profile.domain.errors import FencedError, StreamRecreatedError
from services.profile.folding import Books
from services.profile.repository.positions import Position
from services.profile.use_cases.stores import Stores


@dataclass(frozen=True, slots=True)
class Folding:
    """What a fold needs beside the stores."""

    stores: Stores
    epochs: EpochKeys
    #: Dead letters of one partition within an hour that stop its folder.
    most_dead_letters: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Who folds which partition of which stream; the epoch tells owners of one partition apart."""

    partition: Partition
    stream_created: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one fold takes of one partition: messages in the order of the stream."""

    owner: Owner
    opened: Sequence[Batch | Poison]


class HaltedError(Exception):
    """One partition cannot go on, for the reason in `error`; the others can."""

    def __init__(self, partition: Partition, error: TypedError) -> None:
        super().__init__(error.message)
        self.partition = partition
        self.error = error


@dataclass(frozen=True, slots=True)
class Desk:
    """Both transactions of a fold, its day, and the accounts."""

    transaction: AsyncConnection
    profile: asyncpg.Connection
    vault: asyncpg.Connection
    at_ms: int
    books: Books

    @property
    def day(self) -> dt.date:
        return day_of(self.at_ms)


def day_of(at_ms: int) -> dt.date:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).date()


def recreated(kept: str, found: str) -> StreamRecreatedError:
    return StreamRecreatedError(
        f"the position kept is of the stream created at {kept}, the stream there is was created at {found} or"
        " restored to before the position: restore the stream, or delete this brand's rows of profile.positions to"
        " begin with the one there is"
    )


def batches_of(parts: Iterable[Part]) -> Iterator[Batch]:
    return (message for part in parts for message in part.opened if isinstance(message, Batch))


def check(position: Position | None, owner: Owner) -> None:
    if position is None or position.owner_epoch != owner.epoch:
        raise HaltedError(owner.partition, FencedError("another folder owns this partition"))
    if position.stream_created != owner.stream_created:
        raise HaltedError(owner.partition, recreated(position.stream_created, owner.stream_created))

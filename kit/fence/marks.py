"""How far changes were acknowledged, kept outside the database: what a restore of it cannot take back."""

import asyncio
import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from kit.durable import make_folder_durably
from kit.errors import InternalError, UnavailableError
from kit.fence.words import Scope
from kit.slots import Slots


@dataclass(frozen=True, slots=True)
class Kept:
    """The last epoch in which somebody was elected, and of every scope the highest sequence that was acknowledged."""

    epoch: int = 0
    heads: Mapping[Scope, int] = field(default_factory=dict)

    def passes(self, heads: Mapping[Scope, int]) -> bool:
        """Tell whether a database with these heads is as new as what was acknowledged.

        Only when this was read before they were: a change that is acknowledged in between is no loss.
        """
        return all(heads.get(scope, 0) >= sequence for scope, sequence in self.heads.items())


class Marks(Protocol):
    """What keeps marks: always its newest state, never one of a backup. Shared by every process of a service."""

    def read(self) -> Kept:
        """Return what is kept now. Cheap: asked with every read.

        Raises UnavailableError when it cannot be read, InternalError when it cannot be understood.
        """
        ...

    async def keep(self, epoch: int, heads: Mapping[Scope, int]) -> Kept:
        """Raise what is kept, durable when this returns; return it.

        UnavailableError when a later epoch is kept already, or when it cannot be written.
        """
        ...


class NoMarks:
    """Keeps nothing: after a restore of the database whoever holds a cache has to be restarted by hand."""

    def read(self) -> Kept:
        """See Marks.read."""
        return Kept()

    async def keep(self, epoch: int, heads: Mapping[Scope, int]) -> Kept:
        """See Marks.keep."""
        return Kept(epoch, heads)


class _Content(msgspec.Struct):
    epoch: int
    #: By brand and shard.
    heads: dict[str, dict[int, int]]


class FileMarks:
    """Marks in one file. Those who come while it is written share the next writing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._slots = Slots(path)
        self._heads: tuple[bytes, bytes] | None = None
        self._kept = Kept()
        self._wanted: dict[int, dict[Scope, int]] = {}
        self._next: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def read(self) -> Kept:
        """See Marks.read."""
        try:
            heads = self._slots.heads()
            if heads is not None and heads != self._heads:
                self._kept, self._heads = self._load(), heads
        except OSError as error:
            raise UnavailableError("marks cannot be read", retry_after_s=1) from error
        return self._kept

    async def keep(self, epoch: int, heads: Mapping[Scope, int]) -> Kept:
        """See Marks.keep."""
        kept = self.read()
        if kept.epoch == epoch and Kept(epoch, heads).passes(kept.heads):
            return kept
        wanted = self._wanted.setdefault(epoch, {})
        for scope, sequence in heads.items():
            wanted[scope] = max(sequence, wanted.get(scope, 0))
        if self._next is None:
            self._next = asyncio.create_task(self._write())
            self._next.add_done_callback(_retrieve)
        # Shielded: whoever gives up does not take the others' writing along.
        await asyncio.shield(self._next)
        kept = self.read()
        if kept.epoch != epoch:
            raise UnavailableError("another process answers", retry_after_s=1)
        return kept

    async def _write(self) -> None:
        async with self._writing:
            self._next = None
            wanted, self._wanted = self._wanted, {}
            try:
                await asyncio.to_thread(self._merge, wanted)
            except OSError as error:
                raise UnavailableError("marks cannot be written", retry_after_s=1) from error

    def _merge(self, wanted: Mapping[int, Mapping[Scope, int]]) -> None:
        with self._locked():
            kept = self._load()
            epoch = max(kept.epoch, *wanted)
            heads = dict(kept.heads)
            # Of an earlier epoch nothing is taken any more: the elected one has read what is kept, and counts on it.
            for scope, sequence in wanted.get(epoch, {}).items():
                heads[scope] = max(sequence, heads.get(scope, 0))
            if (epoch, heads) != (kept.epoch, kept.heads):
                self._slots.write(_encode(Kept(epoch, heads)))

    def _load(self) -> Kept:
        newest = self._slots.newest()
        if newest is None:
            return Kept()
        try:
            content = msgspec.json.decode(newest.body, type=_Content)
        except msgspec.MsgspecError as error:
            # Never taken for empty: what it said would be forgotten.
            raise InternalError("the file of marks is damaged") from error
        heads = {
            Scope(brand, shard): sequence
            for brand, shards in content.heads.items()
            for shard, sequence in shards.items()
        }
        return Kept(content.epoch, heads)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder_durably(self._path.parent)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _encode(kept: Kept) -> bytes:
    heads: dict[str, dict[int, int]] = {}
    for scope, sequence in sorted(kept.heads.items()):
        heads.setdefault(scope.brand, {})[scope.shard] = sequence
    return msgspec.json.encode(_Content(kept.epoch, heads))


def _retrieve(writing: asyncio.Task[None]) -> None:
    # Whoever waited has been told; when nobody waits any more, nobody was promised anything.
    if not writing.cancelled():
        writing.exception()

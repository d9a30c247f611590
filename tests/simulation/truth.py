"""The database: commits in order, one epoch row that writers share and an election takes for itself, sessions."""

import asyncio
from collections import deque

from kit.errors import UnavailableError
from kit.fence import EVERY, Change, Kept

_SILENCE_S = 2.0
_UNHEARD_S = 60.0
_BACKUPS = 200
_STRIDE = 1 << 32


class Session:
    """A connection of a process to the database; whoever is silent in it for too long loses it."""

    def __init__(self, loop):
        self.is_over = self.is_unheard = False
        self.heard_at = loop.time()
        self.scope = None


class Truth:
    def __init__(self, loop, scopes, *, is_dated=True):
        self.epoch = 0
        self.heads = dict.fromkeys(scopes, 0)
        #: By scope and key: the version of the statement in force, and whether it allows.
        self.values = {}
        #: By scope: when it was mended. What was allowed before counts no more, whether or not there is a value of it.
        self.mended = {}
        self.kept = Kept()
        #: What it was after each commit, the last of them last.
        self.backups = deque(maxlen=_BACKUPS)
        self._loop = loop
        self._is_dated = is_dated
        # In order: the same seed gives the same run.
        self._sessions = {}
        self._seat = None
        self._sharing = set()
        self._locked = {}
        self._is_electing = False
        self._moved = asyncio.Event()

    async def try_seat(self, session):
        self._hear(session)
        if self._seat is None:
            self._seat = session
        return self._seat is session

    async def ping(self, session):
        if session.is_unheard:
            await asyncio.sleep(_UNHEARD_S)
        self._hear(session)

    def lose_seat(self):
        """End the elected one's session as a firewall does: without a word."""
        if self._seat is not None:
            self._seat.is_unheard = True
            self.end(self._seat)

    async def take_epoch(self, session, kept):
        """UPDATE: waits for everybody who shares the row."""
        self._is_electing = True
        try:
            while self._sharing:
                await self._moved.wait()
        finally:
            self._is_electing = False
        self._hear(session)
        self.epoch = max(self.epoch, kept) + 1
        self._wake()
        return self.epoch

    async def mend(self, session, kept):
        """As the consent service does: of scopes that are behind nothing is in force, and their heads move past it."""
        self._hear(session)
        behind = [scope for scope, sequence in kept.heads.items() if self.heads[scope] < sequence]
        for scope in behind:
            self.heads[scope] = kept.heads[scope] + _STRIDE
            self.mended[scope] = self._loop.time() if self._is_dated else -1
        for (scope, key), (version, _) in list(self.values.items()):
            if scope in behind:
                self.values[scope, key] = version if self._is_dated else self._loop.time(), False
        return {scope: self.heads[scope] for scope in behind}

    async def mark(self, epoch, heads):
        """Keep what was acknowledged; this is no part of the database."""
        if epoch < self.kept.epoch:
            raise UnavailableError("a later epoch is kept")
        raised = {scope: max(sequence, self.kept.heads.get(scope, 0)) for scope, sequence in heads.items()}
        self.kept = Kept(epoch, {**self.kept.heads, **raised})
        return self.kept

    async def begin(self, session, epoch, scope):
        """Open a transaction: share the epoch (not checked when it is None), lock the head; return that."""
        self._hear(session)
        while self._is_electing:
            await self._moved.wait()
        if epoch is not None and epoch != self.epoch:
            raise UnavailableError("another epoch")
        self._sharing.add(session)
        while self._locked.get(scope) is not None and not session.is_over:
            await self._moved.wait()
        self._hear(session)
        self._locked[scope], session.scope = session, scope
        return self.heads[scope]

    async def commit(self, session, key, version, is_allowed):
        """Write unless a newer statement is in force, as the consent service does; return the change and what is."""
        self._hear(session)
        scope, after = session.scope, self.heads[session.scope]
        is_lost = is_allowed and version <= self.mended.get(scope, -1)
        if version > self.values.get((scope, key), (-1, False))[0] and not is_lost:
            self.heads[scope] += 1
            self.values[scope, key] = version, is_allowed
            self._back_up()
        self.end(session)
        return Change(scope, after, self.heads[scope], (key,)), self.values.get((scope, key), (-1, False))[1]

    async def commit_floor(self, session, raised_at):
        """Let nothing of the scope be in force that was allowed until then; one change for every key."""
        self._hear(session)
        scope, after = session.scope, self.heads[session.scope]
        self.heads[scope] += 1
        for (of, key), (version, _) in list(self.values.items()):
            if of == scope and version <= raised_at:
                self.values[of, key] = version, False
        self._back_up()
        self.end(session)
        return Change(scope, after, self.heads[scope], (EVERY,))

    def _back_up(self):
        self.backups.append((self.epoch, dict(self.heads), dict(self.values), dict(self.mended)))

    def end(self, session):
        session.is_over = True
        self._sessions.pop(session, None)
        self._sharing.discard(session)
        if self._seat is session:
            self._seat = None
        if self._locked.get(session.scope) is session:
            del self._locked[session.scope]
        self._wake()

    def restart(self):
        for session in list(self._sessions):
            self.end(session)

    def restore(self, commits):
        """Be again what it was so many commits ago, or a standby that had not heard of them."""
        self.restart()
        while commits and self.backups:
            self.epoch, heads, values, mended = self.backups.pop()
            self.heads, self.values, self.mended = dict(heads), dict(values), dict(mended)
            commits -= 1

    async def read(self, scope, key):
        return self.heads[scope], self.values.get((scope, key), (0, False))[1]

    async def read_heads(self):
        return self.epoch, dict(self.heads)

    async def end_silent_sessions(self):
        while True:
            await asyncio.sleep(0.1)
            for session in sorted(self._sessions, key=lambda each: each.heard_at):
                if session.heard_at + _SILENCE_S < self._loop.time():
                    self.end(session)

    def _hear(self, session):
        if session.is_over:
            raise UnavailableError("the session is gone")
        session.heard_at = self._loop.time()
        self._sessions[session] = None

    def _wake(self):
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

"""The database: commits in order, one epoch row that writers share and an election takes for itself, sessions."""

import asyncio

from kit.errors import UnavailableError
from kit.fence import Change

_SILENCE_S = 2.0
_UNHEARD_S = 60.0


class Session:
    """A connection of a process to the database; whoever is silent in it for too long loses it."""

    def __init__(self, loop):
        self.is_over = self.is_unheard = False
        self.heard_at = loop.time()
        self.scope = None


class Truth:
    def __init__(self, loop, scopes):
        self.epoch = 0
        self.heads = dict.fromkeys(scopes, 0)
        #: By scope and key: the version of the statement in force, and whether it allows.
        self.values = {}
        self._loop = loop
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

    async def take_epoch(self, session):
        """UPDATE: waits for everybody who shares the row."""
        self._is_electing = True
        try:
            while self._sharing:
                await self._moved.wait()
        finally:
            self._is_electing = False
        self._hear(session)
        self.epoch += 1
        self._wake()
        return self.epoch

    async def begin(self, session, epoch, scope):
        """Open a transaction: share the epoch (not checked when it is None), lock the head."""
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

    async def commit(self, session, key, version, is_allowed):
        """Write unless a newer statement is in force, as the consent service does; return the change."""
        self._hear(session)
        scope, after = session.scope, self.heads[session.scope]
        if version > self.values.get((scope, key), (0, False))[0]:
            self.heads[scope] += 1
            self.values[scope, key] = version, is_allowed
        self.end(session)
        return Change(scope, after, self.heads[scope], (key,))

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

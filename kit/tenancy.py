"""Whose rows a database session may touch: one brand's, every brand's where that is said, and nobody's by default."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from weakref import WeakKeyDictionary

import asyncpg

from kit.errors import DeniedError

#: A brand; None stands for every brand, "" for none. Not text of its own: a caller may call itself what it likes.
_TENANT: ContextVar[str | None] = ContextVar("tenant", default="")
# What a session was last told, and False while nobody knows: a statement that is cut off may have had its effect.
_BOUND: WeakKeyDictionary[asyncpg.Connection, str | bool | None] = WeakKeyDictionary()
_ONE = "SELECT set_config('role', 'none', false), set_config('maskenball.brand', $1, false)"
# Before a database has walls there is no such role, and its owner sees every brand.
_EVERY = """
    SELECT set_config('maskenball.brand', '', false), set_config('role', (
        SELECT coalesce(min(rolname), 'none') FROM pg_roles WHERE rolname = session_user || '_worker'
    ), false)
"""


class TenantError(DeniedError):
    """No brand was said, or the row is another brand's: the database refuses, whatever the statement asks for."""

    reason = "TENANT"


@contextmanager
def acting_for(brand: str) -> Iterator[None]:
    """Have sessions see this brand's rows alone, in this task and in those it begins; "" for nobody's."""
    before = _TENANT.set(brand)
    try:
        yield
    finally:
        _TENANT.reset(before)


@contextmanager
def acting_for_every_brand() -> Iterator[None]:
    """Have sessions see the rows of every brand: for work on a partition, a stream or a clock, never for a request."""
    before = _TENANT.set(None)
    try:
        yield
    finally:
        _TENANT.reset(before)


def is_bound(session: asyncpg.Connection) -> bool:
    """Tell whether a session has been told just that for whom it is to work now."""
    return _BOUND.get(session, "") == _TENANT.get()


async def bind(session: asyncpg.Connection) -> None:
    """Tell a session for whom it works. One round trip, and none when the session was told the same before.

    Outside of a transaction only: a rollback would take it back unnoticed.
    """
    if is_bound(session):
        return
    tenant = _TENANT.get()
    _BOUND[session] = False
    if tenant is None:
        await session.fetch(_EVERY)
    else:
        await session.fetch(_ONE, tenant)
    _BOUND[session] = tenant

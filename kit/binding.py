"""Tells database sessions for whom they work; who that is, `kit.tenancy` knows."""

from weakref import WeakKeyDictionary

import asyncpg

from kit.tenancy import acted_for

# What a session was last told, and False while nobody knows: a statement that is cut off may have had its effect.
_BOUND: WeakKeyDictionary[asyncpg.Connection, str | bool | None] = WeakKeyDictionary()
_ONE = "SELECT set_config('role', 'none', false), set_config('maskenball.brand', $1, false)"
# Before a database has walls there is no such role, and its owner sees every brand.
_EVERY = """
    SELECT set_config('maskenball.brand', '', false), set_config('role', (
        SELECT coalesce(min(rolname), 'none') FROM pg_roles WHERE rolname = session_user || '_worker'
    ), false)
"""


def is_bound(session: asyncpg.Connection) -> bool:
    """Tell whether a session has been told just that for whom it is to work now."""
    return _BOUND.get(session, "") == acted_for()


async def bind(session: asyncpg.Connection) -> None:
    """Tell a session for whom it works. One round trip, and none when the session was told the same before.

    Outside of a transaction only: a rollback would take it back unnoticed.
    """
    if is_bound(session):
        return
    tenant = acted_for()
    _BOUND[session] = False
    if tenant is None:
        await session.fetch(_EVERY)
    else:
        await session.fetch(_ONE, tenant)
    _BOUND[session] = tenant

"""Real PostgreSQL and NATS servers from Python wheels, started and stopped by us: for a local stack and for tests."""

from kit.servers.child import Child, ServerStartError, start_ticks, wait_until
from kit.servers.nats import NatsServer
from kit.servers.ports import ReservedPort
from kit.servers.postgres import PostgresServer

__all__ = [
    "Child",
    "NatsServer",
    "PostgresServer",
    "ReservedPort",
    "ServerStartError",
    "start_ticks",
    "wait_until",
]

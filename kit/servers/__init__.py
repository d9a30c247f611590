"""Real PostgreSQL and NATS servers from Python wheels, started and stopped by us: for a local stack and for tests."""

from kit.servers.child import ServerStartError
from kit.servers.nats import NatsServer
from kit.servers.postgres import PostgresServer

__all__ = ["NatsServer", "PostgresServer", "ServerStartError"]

"""RPC between services: every call has a deadline, typed errors cross intact, calls are traced and counted."""

from kit.rpc.client import connect
from kit.rpc.server import RpcServer, Service, build_server

__all__ = ["RpcServer", "Service", "build_server", "connect"]

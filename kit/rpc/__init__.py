"""RPC between services: every call has a deadline, typed errors cross intact, calls are traced and counted."""

from kit.rpc.client import connect
from kit.rpc.server import RpcServer, Service, build_server
from kit.rpc.status import from_rpc_error

__all__ = ["RpcServer", "Service", "build_server", "connect", "from_rpc_error"]

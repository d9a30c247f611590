"""Ports that stay ours: reserved by a bound socket, so that a server can go and come back on the same address."""

import os
import socket
import weakref


class ReservedPort:
    """A TCP port on `host` that nobody else is given as long as this object lives; `number` 0 takes a free one.

    The socket is bound and does not listen, with SO_REUSEADDR: a server that sets SO_REUSEADDR too may bind and listen
    on the port, while the kernel hands it to nobody who asks for a free one.
    """

    def __init__(self, host: str = "127.0.0.1", number: int = 0) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind((host, number))
            self.host = host
            self.number = int(holder.getsockname()[1])
            self.release = weakref.finalize(self, os.close, holder.detach())

    @property
    def address(self) -> str:
        """The "host:port" to listen on and to connect to."""
        return f"{self.host}:{self.number}"

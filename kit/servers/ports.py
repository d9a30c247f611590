"""Ports that stay ours: reserved by a bound socket, so that a server can go and come back on the same address."""

import socket


class ReservedPort:
    """A free TCP port on `host` that nobody else is given until `release`.

    The socket is bound and does not listen, with SO_REUSEADDR: a server that sets SO_REUSEADDR too may bind and listen
    on the port, while the kernel hands it to nobody who asks for a free one.
    """

    def __init__(self, host: str = "127.0.0.1", number: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, number))
        self.host = host
        self.number = int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """The "host:port" to listen on and to connect to."""
        return f"{self.host}:{self.number}"

    def release(self) -> None:
        """Gives the port back to the kernel."""
        self._socket.close()

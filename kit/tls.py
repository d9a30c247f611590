"""TLS between services: both sides show a certificate of the deployment's own authority, or they do not speak."""

import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import grpc

#: The authority that both sides must have their certificates from; our own certificate; and its key.
AUTHORITY, CERTIFICATE, KEY = "ca.pem", "cert.pem", "key.pem"


@dataclass(frozen=True)
class Tls:
    """What one process shows and whom it believes, from a folder. Read once: new certificates need a new start."""

    folder: Path

    @property
    def missing(self) -> list[Path]:
        """Files that are not there."""
        paths = (self.folder / name for name in (AUTHORITY, CERTIFICATE, KEY))
        return [path for path in paths if not path.is_file()]

    @cached_property
    def client(self) -> ssl.SSLContext:
        """For whoever calls: the server's certificate must be of the authority and bear the name that was called."""
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=self.folder / AUTHORITY)
        return self._ours(context)

    @cached_property
    def server(self) -> ssl.SSLContext:
        """For whoever is called: a caller without a certificate of the authority is hung up on."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.folder / AUTHORITY)
        context.verify_mode = ssl.CERT_REQUIRED
        return self._ours(context)

    def of_channel(self) -> grpc.ChannelCredentials:
        """Return the same as `client`, for gRPC."""
        authority, certificate, key = self._read()
        return grpc.ssl_channel_credentials(authority, key, certificate)

    def of_server(self) -> grpc.ServerCredentials:
        """Return the same as `server`, for gRPC."""
        authority, certificate, key = self._read()
        return grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)

    def _ours(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(self.folder / CERTIFICATE, self.folder / KEY)
        return context

    def _read(self) -> tuple[bytes, bytes, bytes]:
        authority, certificate, key = ((self.folder / name).read_bytes() for name in (AUTHORITY, CERTIFICATE, KEY))
        return authority, certificate, key

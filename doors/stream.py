"""The stream of interactions in JetStream."""

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from kit import events
from kit.errors import ExhaustedError, UnavailableError

STREAM = "INTERACTIONS"
SUBJECTS = "interaction.v1.received.>"
_TIMEOUT_S = 5.0
_FULL_RETRY_S = 5
_STREAM_FULL = frozenset({10077, 10023, 10047})


class JetStream:
    """Appends and awaits the acknowledgement; what that is worth is the server's, see kit.servers.NatsServer."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._context: JetStreamContext = client.jetstream(timeout=_TIMEOUT_S)

    async def prepare(self, max_bytes: int) -> None:
        """Create the stream where nobody has yet; raises UnavailableError."""
        await self.check()
        await events.ensure_stream(self._context, STREAM, [SUBJECTS], max_bytes=max_bytes)

    async def check(self) -> None:
        """Raise UnavailableError while the connection is lost."""
        if not self._client.is_connected:
            raise UnavailableError("the stream is away", retry_after_s=1)

    async def append(self, subject: str, body: bytes, headers: dict[str, str]) -> int:
        """See publish.Stream."""
        # The client would keep the message for its next connection, and the caller would wait for a time-out.
        await self.check()
        try:
            return (await self._context.publish(subject, body, headers=headers or None)).seq
        except nats.js.errors.APIError as error:
            if error.err_code in _STREAM_FULL:
                raise ExhaustedError("the stream is full", retry_after_s=_FULL_RETRY_S) from error
            raise UnavailableError("the stream refuses", retry_after_s=1) from error
        except (nats.errors.Error, OSError) as error:
            raise UnavailableError("the stream is away", retry_after_s=1) from error

"""JetStream streams: created or brought up to date, told apart when re-created, emptied of what was handled."""

import asyncio

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import BadRequestError, ServerError

from kit.errors import UnavailableError

_NAME_IN_USE = 10058
_NO_STORE = 10049
_STORE_TRIES = 20
_STORE_PAUSE_S = 0.05


async def ensure_stream(  # noqa: PLR0913 - the settings of one stream, always passed by name
    js: JetStreamContext,
    name: str,
    subjects: list[str],
    *,
    max_bytes: int,
    max_age_s: float = 0,
    replicas: int = 1,
) -> StreamInfo:
    """Create the stream or update it to these settings. Any process may call it, at any time, in any order.

    The stream is kept on disk and refuses new messages when `max_bytes` are full, rather than losing old ones.
    What an acknowledgement is worth is the server's: see kit.servers.NatsServer. After a power cut, a stream on a
    server of durability class 1 may end before what its readers have read, and give those sequences out again.
    Raises UnavailableError while JetStream does not answer or cannot make the stream's store.
    """
    config = StreamConfig(
        name=name,
        subjects=subjects,
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=max_bytes,
        max_age=max_age_s,
        num_replicas=replicas,
    )
    try:
        return await _add_or_update(js, config)
    except (nats.errors.TimeoutError, nats.errors.NoRespondersError, nats.errors.ConnectionClosedError) as error:
        raise UnavailableError("JetStream does not answer", retry_after_s=1) from error


async def _add_or_update(js: JetStreamContext, config: StreamConfig) -> StreamInfo:
    for _ in range(_STORE_TRIES):
        try:
            return await js.add_stream(config)
        except BadRequestError as error:
            if error.err_code != _NAME_IN_USE:
                raise
            return await js.update_stream(config)
        except ServerError as error:
            if error.err_code != _NO_STORE:
                raise
            # A stream of this name that was just deleted is taken off the disk behind the answer.
            await asyncio.sleep(_STORE_PAUSE_S)
    raise UnavailableError("JetStream cannot make the store of a stream", retry_after_s=1)


async def stream_id(js: JetStreamContext, name: str) -> str:
    """Return what tells this stream from another of the same name: the time of its creation.

    Sequences start anew in a re-created stream, so a position is worth something only together with this id.
    """
    return created_id(await js.stream_info(name))


def created_id(info: StreamInfo) -> str:
    """Read the id out of a stream's description."""
    return info.created.isoformat() if info.created is not None else ""


def run_id(info: StreamInfo) -> str:
    """Read the id of the stream as one run of its server has it, out of the stream's description.

    For a stream of durability class 1. A power cut takes its last messages, and their sequences are given out again: a
    position of one run is worth nothing in the next. Needs a server without a `server_name`, or with another each run.
    """
    return f"{created_id(info)}|{info.cluster.leader if info.cluster is not None else ''}"


async def forget(js: JetStreamContext, stream: str, subject: str, through: int) -> None:
    """Delete the messages of `subject` up to and including sequence `through`.

    For the only listener of a subject, after its commit: it makes room in a stream that refuses when full.
    """
    await js.purge_stream(stream, seq=through + 1, subject=subject)

"""Events between rooms: out through an outbox in the writer's transaction, in through followers that never skip."""

from kit.events.connection import connect, connecting
from kit.events.follower import Follower, StopFollowingError
from kit.events.outbox import Relay, enqueue, outbox_columns, outbox_table
from kit.events.pull import Message, StreamReplacedError, Subscription
from kit.events.streams import created_id, ensure_stream, forget, run_id, stream_id

__all__ = [
    "Follower",
    "Message",
    "Relay",
    "StopFollowingError",
    "StreamReplacedError",
    "Subscription",
    "connect",
    "connecting",
    "created_id",
    "enqueue",
    "ensure_stream",
    "forget",
    "outbox_columns",
    "outbox_table",
    "run_id",
    "stream_id",
]

"""Events between rooms: out through an outbox in the writer's transaction, in through followers that never skip."""

from kit.events.connection import connect
from kit.events.follower import Follower, StopFollowingError
from kit.events.outbox import Relay, enqueue, outbox_columns, outbox_table
from kit.events.pull import Message, StreamReplacedError, Subscription
from kit.events.streams import ensure_stream, forget, stream_id

__all__ = [
    "Follower",
    "Message",
    "Relay",
    "StopFollowingError",
    "StreamReplacedError",
    "Subscription",
    "connect",
    "enqueue",
    "ensure_stream",
    "forget",
    "outbox_columns",
    "outbox_table",
    "stream_id",
]

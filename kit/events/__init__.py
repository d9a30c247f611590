"""Events between rooms: out through an outbox in the writer's transaction, in through followers that never skip.

The outbox needs a database and stands apart, in `kit.events.outbox`: doors have none, and start without SQLAlchemy.
"""

from kit.events.connection import connect, connecting
from kit.events.follower import Follower, StopFollowingError
from kit.events.pull import Message, StreamReplacedError, Subscription
from kit.events.streams import created_id, ensure_stream, forget, run_id, stream_id

__all__ = [
    "Follower",
    "Message",
    "StopFollowingError",
    "StreamReplacedError",
    "Subscription",
    "connect",
    "connecting",
    "created_id",
    "ensure_stream",
    "forget",
    "run_id",
    "stream_id",
]

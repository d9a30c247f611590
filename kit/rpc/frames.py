"""What travels in a pipe: many calls share one stream, because a stream costs half of what a call costs.

A message is a MessagePack array of frames; each side puts into the next message whatever gathered while the last one
left. The server speaks first, with an invitation in a frame of number 0, or with an empty message: then the pipe is
open. Before it stops it ends the stream.

An invitation names the port of a socket, where the server's host can be reached there, and a ticket to show first: then
frames go through it in both directions, for a twentieth of what the stream costs. The stream stays, for as long as the
pipe lives. Who cannot connect goes on with the stream.
"""

from collections.abc import Sequence

import msgspec

#: The one method of the pipe; bytes in both directions.
SERVICE, FLOW = "kit.rpc.v1.Pipe", "Flow"
#: What is larger goes by a call of its own, and so do messages end.
MAX_BODY = 256 * 1024
MAX_MESSAGE = 1024 * 1024
#: An answer is never larger, whichever way it comes.
MAX_ANSWER = 8 * 1024 * 1024
TICKET_BYTES = 16


class Call(msgspec.Struct, array_like=True):
    """A call: its number on this stream, the full method, seconds left, traceparent or "", and the request's bytes.

    Without a method it says that nobody waits for that number any more.
    """

    number: int
    method: str
    left_s: float
    trace: str
    body: bytes


class Answer(msgspec.Struct, array_like=True):
    """An answer: the call's number, and the response's bytes or a google.rpc.Status. Number 0 has an invitation."""

    number: int
    error: bytes
    body: bytes


class Invitation(msgspec.Struct, array_like=True):
    """Where the socket of a pipe is, on the server's host, and the ticket that opens it, once."""

    port: int
    ticket: bytes


_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode
decode_calls = msgspec.msgpack.Decoder(list[Call]).decode
decode_answers = msgspec.msgpack.Decoder(list[Answer]).decode
decode_invitation = msgspec.msgpack.Decoder(Invitation).decode


def first_message(frames: Sequence[Call | Answer]) -> int:
    """Return how many of the frames, at least one, make a message of bearable size."""
    size = 0
    for count, frame in enumerate(frames):
        size += len(frame.body)
        if count and size > MAX_MESSAGE:
            return count
    return len(frames)

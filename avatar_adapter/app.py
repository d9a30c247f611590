"""The HTTP binding: POST /a/v1 with a world's token, one frame or a batch of them."""

from dataclasses import dataclass

from avatar_adapter import frames
from avatar_adapter.answers import Limits, limits_for, refused, room_needed
from avatar_adapter.batches import answer_batch
from avatar_adapter.cutting import Answer, encode
from avatar_adapter.domain import MOST_FRAMES, AnswerRoomError, MethodNotAllowedError, World, as_told
from avatar_adapter.limiting import RateLimiter
from avatar_adapter.use_cases import Door, answer
from kit import audit
from kit.credentials import Credentials
from kit.errors import NotFoundError, Status, TypedError, UnauthenticatedError
from kit.http import problem, read_body
from kit.http.bodies import DisconnectedError
from kit.http.types import App, RawHeaders, Receive, Scope, Send
from kit.telemetry import span

PATH = "/a/v1"
MAX_BODY_BYTES = 64 << 10
_LINDEN_PREFIX = b"x-secondlife-"
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may call, and how often."""

    credentials: Credentials
    limiter: RateLimiter
    rps: int

    def admit(self, headers: RawHeaders) -> World:
        """Return the world whose token came with the request; raises UnauthenticatedError."""
        token, is_linden_script, has_gpc = "", False, False
        for name, value in headers:
            if name == b"authorization":
                token = _bearer(value)
            elif name == b"sec-gpc":
                has_gpc = value == b"1"
            # That they are there is all that is read of them: they name people, places and things.
            is_linden_script = is_linden_script or name.startswith(_LINDEN_PREFIX)
        credential = self.credentials.authenticate(token, "world", f"POST {PATH}")
        return World(
            credential.brand,
            credential.id.removeprefix("world:"),
            is_linden_script=is_linden_script,
            has_gpc=has_gpc,
            scopes=credential.scopes,
            kid=credential.kid,
        )


def build_app(door: Door, guard: Guard) -> App:
    """Return the ASGI application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != PATH:
            await _send_refusal(send, NotFoundError("there is only POST /a/v1"))
            return
        world: World | None = None
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowedError("there is only POST /a/v1")
            world = guard.admit(scope["headers"])
            guard.limiter.take(f"{world.brand}|{world.id}")
            body = await read_body(receive, scope["headers"], max_bytes=MAX_BODY_BYTES)
            answered = await _answer(door, world, body, limits_for(world, guard.rps, MOST_FRAMES))
        except DisconnectedError:
            raise
        except TypedError as error:
            await _send_refusal(send, error, world, guard.rps)
        else:
            await _send(send, 200, [], answered)

    return app


async def _answer(door: Door, world: World, body: bytes, limits: Limits) -> bytes:
    asked = frames.parse(body)
    if isinstance(asked, frames.Batch):
        with span("frames batch"):
            return await answer_batch(door, world, asked, limits)
    with span(f"frame {type(asked).__name__.lower()}"):
        reply = await answer(door, world, asked, limits)
    tried: list[Answer] = []
    for candidate in reply.candidates:
        encoded = encode(candidate)
        if len(encoded) <= reply.room:
            return encoded
        tried.append(candidate)
    raise AnswerRoomError("the world takes too little", field="cap.max", limit=str(room_needed(tried)))


async def _send_refusal(send: Send, error: TypedError, world: World | None = None, rps: int = 0) -> None:
    told = as_told(error)
    status, headers, _ = problem(told)
    if world and world.is_linden_script and error.status is Status.EXHAUSTED:
        # Such a script sees little of a refusal but its number; what it must know goes into a success.
        body = encode(next(refused(told, limits_for(world, rps, MOST_FRAMES))))
        await _send(send, 200, [], body)
        return
    kept = [(name, value) for name, value in headers if name == b"retry-after"]
    await _send(send, status, kept, encode(next(refused(told))))


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    about = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*about, *headers]})
    await send({"type": "http.response.body", "body": body})


def _bearer(value: bytes) -> str:
    text = value.decode("latin-1")
    if not text.lower().startswith(_BEARER):
        audit.denied(audit.NOBODY, f"POST {PATH}", "malformed")
        raise UnauthenticatedError("a world shows its token as Authorization: Bearer")
    return text[len(_BEARER) :].strip()

"""The door's address book: tracking paths on plain ASGI, everything else on FastAPI, both under one CORS rule."""

from collections.abc import Mapping

from gateway.tracking import Tracking
from kit.errors import NotFoundError, TypedError
from kit.http import problem
from kit.http.bodies import DisconnectedError
from kit.http.types import App, Message, RawHeaders, Receive, Scope, Send

_TYPES = ("track", "identify", "page", "screen", "group", "alias")
#: Path to the type of the one event it takes; None for a batch.
RECORDS: Mapping[str, str | None] = {
    "/v1/batch": None,
    "/v1/b": None,
    "/beacon/v1/batch": None,
    **{f"/v1/{type_}": type_ for type_ in _TYPES},
    **{f"/v1/{type_[0]}": type_ for type_ in _TYPES},
}
_METRICS = "/v1/m"
_SETTINGS = ("/v1/projects/", "/settings")
_SOURCE_CONFIG = ("/sourceConfig/", "/sourceConfig")
_ALLOWED = (b"access-control-allow-methods", b"GET, POST, OPTIONS")
_MAX_AGE = (b"access-control-max-age", b"86400")
_EXPOSED = (b"access-control-expose-headers", b"Retry-After")
_JSON = (b"content-type", b"application/json")


def build_app(tracking: Tracking, rest: App) -> App:
    """Return the ASGI application of the gateway."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_tracking(scope["path"]):
            await rest(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _answer(send, 204, _preflight(scope["headers"]), b"")
        else:
            await _track(tracking, scope, receive, send)

    return app


def _is_tracking(path: str) -> bool:
    return path in RECORDS or path == _METRICS or path in _SOURCE_CONFIG or _is_settings(path)


def _is_settings(path: str) -> bool:
    return path.startswith(_SETTINGS[0]) and path.endswith(_SETTINGS[1])


async def _track(tracking: Tracking, scope: Scope, receive: Receive, send: Send) -> None:
    shared = _shared(scope["headers"])
    try:
        body = await _body(tracking, scope, receive)
    except DisconnectedError:
        raise
    except TypedError as refusal:
        # Rendered here and not outside: a browser reads a refusal only with the headers that allow it to.
        status, headers, body = problem(refusal)
        await _answer(send, status, [*headers, *shared], body)
    else:
        await _answer(send, 200, [_JSON, (b"content-length", b"%d" % len(body)), *shared], body)


async def _body(tracking: Tracking, scope: Scope, receive: Receive) -> bytes:
    path, method = scope["path"], scope["method"]
    if method == "GET" and path in _SOURCE_CONFIG:
        return tracking.source_config(scope)
    if method == "GET" and _is_settings(path):
        return tracking.settings(path.removeprefix(_SETTINGS[0]).removesuffix(_SETTINGS[1]))
    if method == "POST" and path == _METRICS:
        return await tracking.discard(scope, receive)
    if method == "POST" and path in RECORDS:
        return await tracking.record(scope, receive, type_=RECORDS[path])
    raise NotFoundError("this path does not take this method")


def _shared(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    origin = next((value for name, value in headers if name == b"origin"), b"")
    # No cookies are ever read, so any page may call; the key says for whom.
    return [(b"access-control-allow-origin", origin), (b"vary", b"Origin"), _EXPOSED] if origin else []


def _preflight(headers: RawHeaders) -> list[tuple[bytes, bytes]]:
    asked = next((value for name, value in headers if name == b"access-control-request-headers"), b"")
    answered = [*_shared(headers), _ALLOWED, _MAX_AGE]
    return [*answered, (b"access-control-allow-headers", asked)] if asked else answered


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})

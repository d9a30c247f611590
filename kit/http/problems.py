"""Problems: how a typed error looks to an HTTP caller, the same at every door."""

import msgspec

from kit.errors import InternalError, Status, TypedError
from kit.http.types import Send

HTTP_STATUS = {
    Status.INVALID: 400,
    Status.UNAUTHENTICATED: 401,
    Status.DENIED: 403,
    Status.NOT_FOUND: 404,
    Status.GONE: 410,
    Status.CONFLICT: 409,
    Status.TOO_LARGE: 413,
    Status.EXHAUSTED: 429,
    Status.UNAVAILABLE: 503,
    Status.DEADLINE: 504,
    Status.INTERNAL: 500,
}
_WAITS = (429, 503)
Rendered = tuple[int, list[tuple[bytes, bytes]], bytes]


def problem(error: TypedError) -> Rendered:
    """Render (status, headers, body). The body is {"code", "message", "field"?, "limit"?}.

    429 and 503 carry Retry-After in whole seconds, at least 1. Of a defect of ours only the code is told.
    """
    status = HTTP_STATUS[error.status]
    told = error if error.status is not Status.INTERNAL else InternalError()
    content = {"code": told.reason, "message": told.message or told.reason.lower().replace("_", " ")}
    if told.field:
        content["field"] = told.field
    if told.limit:
        content["limit"] = told.limit
    return rendered(status, content, max(1, error.retry_after_s) if status in _WAITS else error.retry_after_s)


async def send_problem(send: Send, error: TypedError) -> None:
    """Answer an ASGI request with a problem."""
    status, headers, body = problem(error)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def rendered(status: int, content: dict[str, str], retry_after_s: int) -> Rendered:
    """Render any content; `retry_after_s` 0 leaves the header out."""
    body = msgspec.json.encode(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if retry_after_s:
        headers.append((b"retry-after", b"%d" % retry_after_s))
    return status, headers, body

"""REST for those who sign instead of showing a key: a signature is exchanged for a pass of five minutes."""

from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request

from gateway.bodies import Body
from gateway.rest import REFUSALS, Door, what_of
from kit import audit
from kit.errors import UnauthenticatedError
from kit.http.signed import Signatures, SignedRequest

#: Seconds, from the moment that the signature says.
PASS_S = 300


class PassAnswer(Body):
    """Stands for the key in every `Authorization: Bearer`, at either door, until it ends or the key is revoked."""

    token: str
    expires_at_ms: int


def add_passes(app: FastAPI, signatures: Signatures) -> None:
    """Add the endpoint."""
    app.state.signatures = signatures
    app.include_router(_router, prefix="/v1")


async def _signatures(request: Request) -> Signatures:
    found: Signatures = request.app.state.signatures
    return found


_router = APIRouter(tags=["access"], responses={status: REFUSALS[status] for status in (401, 405, 413, 429)})


@_router.post("/token", operation_id="exchangeSignature")
async def exchange(request: Request, door: Door, signatures: Annotated[Signatures, Depends(_signatures)]) -> PassAnswer:
    """Exchange a signature (RFC 9421, Ed25519) over method, authority and path for a pass. docs/access.md."""
    message = SignedRequest(request.method, str(request.url), request.headers)
    try:
        signed = signatures.verify(message)
    except UnauthenticatedError:
        audit.denied(audit.NOBODY, what_of(request), "signature")
        raise
    # Counted from the signature: the same request, sent to another gateway, gets the same pass and not a later one.
    ends_at = signed.created_at + PASS_S
    return PassAnswer(token=door.credentials.issue_pass(signed.key_id, ends_at), expires_at_ms=ends_at * 1000)

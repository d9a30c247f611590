"""Requests that their sender signed (RFC 9421, Ed25519): who it was, and that the request was not seen before."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from kit.errors import UnauthenticatedError

#: What a signature has to cover; it may cover more.
COVERED = ("@method", "@authority", "@path")
#: Seconds by which `created` may be off, either way.
AGE_S = 30
_MOST_NONCES = 100_000
_NONCE_CHARACTERS = range(16, 129)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as a signature covers it. The URL is absolute."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signed:
    """Whose key signed, and when it says so, seconds since 1970 UTC."""

    key_id: str
    created_at: int


class Signatures(HTTPSignatureKeyResolver):
    """Verifies signatures. `public_key` gives the 32 bytes of a key by its id, None for none; the clock counts seconds.

    A nonce is good once in this process. Where several processes verify, a request that is sent again may pass another
    one: what it is exchanged for must be the same then.
    """

    def __init__(self, public_key: Callable[[str], bytes | None], clock: Callable[[], float]) -> None:
        self._public_key = public_key
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=self)

    def verify(self, request: SignedRequest) -> Signed:
        """Return who signed; raises UnauthenticatedError, which says what is missing and never whose key is known."""
        try:
            results = self._verifier.verify(request, max_age=None, require_components=COVERED)
        except (HTTPMessageSignaturesException, ValueError) as error:
            raise UnauthenticatedError("the signature is not valid here") from error
        if len(results) != 1:
            raise UnauthenticatedError("one signature is needed", field="signature", limit="1")
        said = results[0].parameters
        key_id, nonce, created = str(said.get("keyid", "")), str(said.get("nonce", "")), said.get("created")
        if not isinstance(created, int) or abs(self._clock() - created) > AGE_S:
            raise UnauthenticatedError("not signed just now", field="created", limit=f"{AGE_S} s")
        if len(nonce) not in _NONCE_CHARACTERS:
            raise UnauthenticatedError("a nonce is needed", field="nonce", limit="16 to 128 characters")
        self._use(f"{key_id}|{nonce}")
        return Signed(key_id, created)

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the key for the verifier, None for an unknown one."""
        key = self._public_key(key_id)
        return None if key is None else Ed25519PublicKey.from_public_bytes(key)

    def _use(self, nonce: str) -> None:
        now = self._clock()
        # In the order of use, so what is too old to come again stands in front.
        while self._seen and (next(iter(self._seen.values())) < now or len(self._seen) >= _MOST_NONCES):
            self._seen.popitem(last=False)
        if nonce in self._seen:
            raise UnauthenticatedError("this request was sent before", field="nonce")
        self._seen[nonce] = now + 2 * AGE_S

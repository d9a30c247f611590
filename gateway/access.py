"""Who is calling: the key, in every form that SDKs send it, and the credential it stands for."""

import base64
from urllib.parse import parse_qs

from gateway.domain import KeysDisagreeError
from kit import audit
from kit.credentials import Credential, Credentials
from kit.errors import DeniedError, UnauthenticatedError

_BASIC = "basic "
_BEARER = "bearer "
#: Lets a source's key read personas: never for keys that stand in pages or apps.
APP_SCOPE = "app"
#: Lets a source's key ask what its personas have in common.
AGGREGATES_SCOPE = "aggregates"


def header_key(authorization: str, what: str = "") -> str:
    """Return the key of an Authorization header: the user name of Basic, with or without a colon, or a Bearer token."""
    scheme = authorization[: len(_BEARER)].lower()
    if scheme == _BEARER:
        return authorization[len(_BEARER) :].strip()
    if not scheme.startswith(_BASIC):
        return ""
    try:
        decoded = base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode("ascii")
    except ValueError:
        audit.denied(audit.NOBODY, what, "malformed")
        raise UnauthenticatedError("the Authorization header is malformed") from None
    return decoded.partition(":")[0]


def query_key(query: bytes) -> str:
    """Return the key of `?writeKey=`."""
    if b"writeKey=" not in query:
        return ""
    return parse_qs(query.decode("latin-1")).get("writeKey", [""])[0]


def agreed(*keys: object, what: str = "") -> str:
    """Return the one key that was given, "" for none; raises KeysDisagreeError when two differ."""
    given = {key for key in keys if isinstance(key, str) and key}
    if len(given) > 1:
        audit.denied(audit.NOBODY, what, "disagreeing")
        raise KeysDisagreeError("the write keys of header, query and body disagree")
    return given.pop() if given else ""


def source_of(credentials: Credentials, key: str, what: str = "") -> Credential:
    """Return the source that a write key stands for; raises UnauthenticatedError. `what` goes on the record."""
    if not key:
        audit.denied(audit.NOBODY, what, "keyless")
        raise UnauthenticatedError("a write key is needed")
    return credentials.authenticate(key, "source", what)


def app_of(credentials: Credentials, authorization: str, what: str = "") -> Credential:
    """Return the source of a key that may read personas; raises UnauthenticatedError or DeniedError."""
    credential = source_of(credentials, header_key(authorization, what), what)
    if APP_SCOPE not in credential.scopes:
        audit.denied(credential.kid, what, "scope")
        raise DeniedError("this write key may send events only")
    return credential


def staff_of(credentials: Credentials, authorization: str, scope: str, what: str) -> Credential:
    """Return the credential of a staff key with this scope; raises UnauthenticatedError or DeniedError."""
    credential = credentials.authenticate(header_key(authorization, what), "staff", what)
    credential.require(scope, what)
    audit.allowed(credential.kid, what)
    return credential


def analyst_of(credentials: Credentials, authorization: str, what: str) -> Credential:
    """Return the staff, or the source whose key has the scope; raises UnauthenticatedError or DeniedError."""
    credential = credentials.authenticate_one_of(header_key(authorization, what), ("source", "staff"), what)
    if credential.kind == "staff":
        credential.require(AGGREGATES_SCOPE, what)
        audit.allowed(credential.kid, what)
    elif AGGREGATES_SCOPE not in credential.scopes:
        audit.denied(credential.kid, what, "scope")
        raise DeniedError("this key may not read aggregates")
    return credential

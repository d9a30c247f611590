"""The record of access: who, by the public part of a key, asked for what, and was denied or allowed. No identity."""

from prometheus_client import Counter

from kit.telemetry import logger

#: Stands for whoever showed no key of ours.
NOBODY = "nobody"
_LOG = logger(__name__)
_DENIED = Counter("access_denied", "What was asked for and denied", ("why",))


def denied(kid: str, what: str, why: str) -> None:
    """Write down a refusal. `what` is a route, an operation or an RPC, never anything that the caller wrote."""
    _DENIED.labels(why).inc()
    _LOG.warning("access.denied", kid=kid, what=what, why=why)


def allowed(kid: str, what: str) -> None:
    """Write down what was allowed, where few may do it: to staff, and to whoever changes keys."""
    _LOG.info("access.allowed", kid=kid, what=what)

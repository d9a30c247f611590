"""Refusals of who calls, as against what: each goes on the record of access."""

from avatar_adapter import frames
from avatar_adapter.domain import CONSENTS, VISITS, World
from kit import audit
from kit.errors import DeniedError, TypedError

# What visitors say about themselves, and what they see of it, goes with their consents.
_THEIRS = frames.Consent | frames.Forget | frames.Correct | frames.PersonFrame


def require_scope(world: World, frame: frames.AnyFrame) -> None:
    """Refuse a frame that the world's token has no scope for; one without scopes may do all. Raises DeniedError."""
    scope = CONSENTS if isinstance(frame, _THEIRS) else VISITS
    if world.scopes and scope not in world.scopes:
        raise denied(world, DeniedError("this token may not do that", limit=scope), type(frame).__name__.lower())


def denied(world: World, refusal: TypedError, what: str) -> TypedError:
    """Write down that a world was refused `what`, and return the refusal."""
    audit.denied(world.kid or audit.NOBODY, f"frame {what}", refusal.reason)
    return refusal

"""Whose rows a database session may touch: one brand's, every brand's where that is said, and nobody's by default."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from kit.errors import DeniedError

#: A brand; None stands for every brand, "" for none. Not text of its own: a caller may call itself what it likes.
_TENANT: ContextVar[str | None] = ContextVar("tenant", default="")


class TenantError(DeniedError):
    """No brand was said, or the row is another brand's: the database refuses, whatever the statement asks for."""

    reason = "TENANT"


@contextmanager
def acting_for(brand: str) -> Iterator[None]:
    """Have sessions see this brand's rows alone, in this task and in those it begins; "" for nobody's."""
    before = _TENANT.set(brand)
    try:
        yield
    finally:
        _TENANT.reset(before)


@contextmanager
def acting_for_every_brand() -> Iterator[None]:
    """Have sessions see the rows of every brand: for work on a partition, a stream or a clock, never for a request."""
    before = _TENANT.set(None)
    try:
        yield
    finally:
        _TENANT.reset(before)


def acted_for() -> str | None:
    """Return the brand that is acted for now; None for every brand, "" for none."""
    return _TENANT.get()

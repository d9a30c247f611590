"""Marks of ids that were erased: keyed hashes, so that what was said before an erasure can be told and nothing else."""

from kit.keyring import KeyRing
from kit.pseudonyms import derive, pseudonym
from services.profile.domain import Subject

FAMILY = "mark"
_LABEL = "maskenball/mark/v1|"
#: How long marks are kept: no source holds events back for longer.
KEPT_MS = 30 * 86_400_000


def mark_of(keyring: KeyRing, subject: Subject) -> tuple[int, bytes]:
    """Return the shard and the mark of an id."""
    key = keyring.current(FAMILY) if keyring.versions(FAMILY) else keyring.ensure(FAMILY)
    return subject.shard, pseudonym(derive(key.secret, _LABEL + subject.audience), subject.eid)

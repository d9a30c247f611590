"""Who was erased after they said something: that does not bring them back."""

from collections.abc import Mapping

from services.profile import marks
from services.profile.domain import Statement, Subject
from services.profile.domain.errors import ErasedSinceError
from services.profile.repository import gone
from services.profile.use_cases.stores import Stores


async def erased_since(stores: Stores, said: Mapping[Subject, int]) -> set[Subject]:
    """Return those who were erased after they said something, or as they said it."""
    if not said:
        return set()
    # An id may have been erased under an older version of the edge key.
    everyone = ((each, subject) for subject in said for each in (subject, *subject.formerly()))
    found = {marks.mark_of(stores.keyring, each): subject for each, subject in everyone}
    at_ms = await gone.marked(stores.vault, next(iter(said)).brand, list(found))
    return {subject for (_, mark), subject in found.items() if at_ms.get(mark, -1) >= said[subject]}


async def refuse_erased(stores: Stores, subject: Subject, statement: Statement) -> None:
    """Raise ErasedSinceError when the statement is older than the last erasure of whoever makes it."""
    # One millisecond later: who begins anew may do so within the one that ended the erasure.
    if statement.stated_at_ms and await erased_since(stores, {subject: statement.stated_at_ms + 1}):
        raise ErasedSinceError("erased after this was said", field="statement.stated_at_ms")

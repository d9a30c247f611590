"""What was used of a persona and what that gave its person: counted per day, never in the way of a read."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from kit.db import Database
from kit.tallies import Counted, Tally
from kit.tenancy import acting_for_every_brand
from services.profile.domain import Decision, Persona
from services.profile.repository import uses

#: Days for which it is told.
DAYS_KEPT = 90
DAY_MS = 86_400_000
VIEW, SIGNALS, MEMORY = "view", "signals", "memory"
#: What was read, and what was given.
USED = frozenset({VIEW, SIGNALS, MEMORY})
#: What was said to an offer is no benefit: it is told with the offer, and not counted.
ANSWERED = "offer_answered"
GAVE = frozenset({"offer_shown", "offer_taken", "question_answered", "memory_used"})


class Use(NamedTuple):
    """One line: who used what of whom for what, under which record, on which day (since 1970 UTC)."""

    persona: Persona
    day: int
    audience: str
    purpose: str
    what: str
    record_id: str


class Uses:
    """Counts in memory; lost with the process is what a second has added."""

    def __init__(self) -> None:
        self._tally: Tally[Use] = Tally("uses")

    def read(self, persona: Persona, audience: str, decision: Decision, what: str, at_ms: int) -> None:
        """Note that something was read under a decision."""
        use = Use(persona, at_ms // DAY_MS, audience, decision.purpose, what, decision.record_id)
        self._tally.add(use, at_ms)

    def gave(self, given: Iterable[tuple[Use, int, int]]) -> None:
        """Note benefits, each with how often and when last."""
        for use, count, at_ms in given:
            self._tally.add(use, at_ms, count)

    async def flush(self, profile: Database) -> None:
        """Write what was counted."""
        await self._tally.flush(partial(_write, profile))

    async def run(self, profile: Database, every_s: float) -> None:
        """Write again and again until cancelled."""
        await self._tally.run(partial(_write, profile), every_s)


async def _write(profile: Database, counted: Mapping[Use, Counted]) -> None:
    # What was counted in a second is about every brand, whoever asks for it to be written.
    with acting_for_every_brand():
        await uses.add(profile, [uses.Line(*use, *count) for use, count in counted.items()])

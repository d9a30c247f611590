"""When the brand may begin a contact: by a treatment, by what came before, by the persona's clock."""

from dataclasses import replace
from typing import NamedTuple

from services.recommendation.deciding.state import COMPLAINT_MS, WINDOW_MS, State
from services.recommendation.deciding.words import Initiative, Moment, Silence, Treatment

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
#: Limits that follow one another: a complaint, the window, the gap, the night.
_MOST_LIMITS = 8


class Limit(NamedTuple):
    """Why the brand may not begin, and until when that alone holds; 0 for ever."""

    silence: Silence
    until_ms: int


def limit(state: State, treatment: Treatment, moment: Moment) -> Limit | None:
    """Return what forbids the brand to begin at this moment; nothing forbids to answer a persona that asked."""
    if moment.initiative is Initiative.PERSONA:
        return None
    at_ms = moment.at_ms
    if state.complained_at_ms and at_ms < state.complained_at_ms + COMPLAINT_MS:
        return Limit(Silence.COMPLAINED, state.complained_at_ms + COMPLAINT_MS)
    if treatment.contacts == 0:
        return Limit(Silence.CONTACTS_SPENT, 0)
    # One that is ahead of this clock counts, too.
    recent = [each for each in state.contacts if each > at_ms - WINDOW_MS]
    if len(recent) >= treatment.contacts:
        return Limit(Silence.CONTACTS_SPENT, recent[-treatment.contacts] + WINDOW_MS)
    if recent and at_ms < recent[-1] + treatment.least_gap_ms:
        return Limit(Silence.TOO_SOON, recent[-1] + treatment.least_gap_ms)
    return _night(treatment, moment)


def first_free_ms(state: State, treatment: Treatment, moment: Moment) -> int:
    """Return when the brand may begin if nothing happens until then; 0 for now and for never."""
    at_ms = moment.at_ms
    for _ in range(_MOST_LIMITS):
        found = limit(state, treatment, replace(moment, at_ms=at_ms))
        if found is None:
            return at_ms if at_ms > moment.at_ms else 0
        if not found.until_ms:
            return 0
        at_ms = found.until_ms
    return at_ms


def _night(treatment: Treatment, moment: Moment) -> Limit | None:
    local_ms = moment.at_ms + moment.utc_offset_minutes * _MINUTE_MS
    hour = local_ms // _HOUR_MS
    if hour % 24 not in treatment.quiet:
        return None
    ends = next((later for later in range(hour + 1, hour + 24) if later % 24 not in treatment.quiet), None)
    until_ms = 0 if ends is None else ends * _HOUR_MS - moment.utc_offset_minutes * _MINUTE_MS
    return Limit(Silence.QUIET_HOURS, until_ms)

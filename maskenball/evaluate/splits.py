"""Protocols: which interactions are known and which are asked for. The last of a protocol's parts is the test.

The validation part that others tune on (last but one of a user, second tenth) is known here: nothing is tuned.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from maskenball.evaluate.interactions import Indices, Interactions

_SEED = 42
_KNOWN_SHARE = 0.9
_LEAST_FOR_LOO = 3


class Protocol(StrEnum):
    """`loo` asks for each user's last interaction, `random` for a tenth of them, `temporal` for the newest tenth."""

    LOO = "loo"
    RANDOM = "random"
    TEMPORAL = "temporal"


class Reading(StrEnum):
    """What is known besides outcomes of what was shown, and what comes again; the protocol leaves it open.

    In `repeats` candidates are any ten of what the user rated, as the protocol says it. In the others nothing that was
    shown is a candidate again: `context` learns from which candidates came up together, as `repeats` does; `outcomes`
    from nothing but what was shown; `history` knows as well what the user met before, not how it was liked.
    """

    REPEATS = "repeats"
    CONTEXT = "context"
    OUTCOMES = "outcomes"
    HISTORY = "history"


class Split(NamedTuple):
    """Entries of the interactions."""

    known: Indices
    asked: Indices


class Case(NamedTuple):
    """One user: items met in order with their times, and the items that would have been right."""

    items: list[int]
    at_ms: list[int]
    asked_at_ms: int
    right: frozenset[int]
    user: int


def split(interactions: Interactions, protocol: Protocol) -> Split:
    """Return the split; the random one draws by user in their order, with seed 42."""
    if protocol is Protocol.TEMPORAL:
        border = np.quantile(interactions.at_ms, _KNOWN_SHARE)
        is_asked = interactions.at_ms >= border
        return Split(np.flatnonzero(~is_asked), np.flatnonzero(is_asked))
    rng = np.random.default_rng(_SEED)
    known, asked = [], []
    for entries in _by_user(interactions):
        if protocol is Protocol.RANDOM:
            ordered, kept = rng.permutation(entries), int(_KNOWN_SHARE * len(entries))
        else:
            ordered, kept = entries, len(entries) - (len(entries) >= _LEAST_FOR_LOO)
        known.append(ordered[:kept])
        asked.append(ordered[kept:])
    return Split(np.concatenate(known), np.concatenate(asked))


def cases(interactions: Interactions, parts: Split) -> list[Case]:
    """Return a case per user who is known and asked for something that others were known to have met."""
    trained = np.zeros(interactions.item_count, np.bool_)
    trained[interactions.items[parts.known]] = True
    known: dict[int, list[int]] = {}
    for entry in interactions.in_order(parts.known).tolist():
        known.setdefault(int(interactions.users[entry]), []).append(entry)
    asked: dict[int, list[int]] = {}
    for entry in parts.asked.tolist():
        asked.setdefault(int(interactions.users[entry]), []).append(entry)
    found = []
    for user in sorted(known.keys() & asked.keys()):
        items = interactions.items[known[user]].tolist()
        right = {item for item in interactions.items[asked[user]].tolist() if trained[item]} - set(items)
        if right:
            at_ms = interactions.at_ms[known[user]].tolist()
            found.append(Case(items, at_ms, int(interactions.at_ms[asked[user]].min()), frozenset(right), user))
    return found


def _by_user(interactions: Interactions) -> list[Indices]:
    ordered = interactions.in_order(np.arange(len(interactions.users)))
    ordered = ordered[np.argsort(interactions.users[ordered], kind="stable")]
    borders = np.flatnonzero(np.diff(interactions.users[ordered])) + 1
    return list(np.split(ordered, borders))

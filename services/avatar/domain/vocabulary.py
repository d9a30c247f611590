"""Closed words and bounds of the avatar service."""

from enum import StrEnum

SHARDS = 64
EID_BYTES = 16
VISIT_BYTES = 16
MAX_QUESTION = 500
MAX_PUT = 2_000
MAX_LISTED = 200

PERSONALISE = "personalise.world"
REMEMBER = "remember.conversation"
OFFER = "recommend.offer"
COLLECT = "collect.behaviour"

#: Kinds of reasons that a ranking names.
REASONS = ("because_of_item", "followed_item", "popular_now", "liked_topic")

#: Offered steps an encounter keeps: what is older can no longer be reported on.
MAX_STEPS = 16
#: Refs an encounter keeps of each sort, so that nothing is offered twice in a visit.
MAX_MET = 64
#: Refs of each sort that are remembered across visits.
MAX_REMEMBERED = 8


class Event(StrEnum):
    """What a world may report."""

    SEEN = "seen"
    TALKED = "talked"
    TRIED = "tried"
    BOUGHT = "bought"
    DISMISSED = "dismissed"
    REMOVED = "removed"
    ASKED = "asked"
    LEFT = "left"
    PRAISED = "praised"
    COMPLAINED = "complained"
    WISHED = "wished"
    SHARED = "shared"


class Outcome(StrEnum):
    """What may become of an offered step."""

    DONE = "done"
    REFUSED = "refused"
    IGNORED = "ignored"
    STOPPED = "stopped"


class Topic(StrEnum):
    """What kind of answer is asked for."""

    REC = "rec"
    FAQ = "faq"
    WHERE = "where"
    PRICE = "price"
    HELP = "help"


class Act(StrEnum):
    """What an avatar may do."""

    SHOW = "show"
    SAY = "say"
    WAIT = "wait"
    HANDOFF = "handoff"
    NONE = "none"


class Silence(StrEnum):
    """Why there is nothing to say or show. Those of consent are spelt as consent spells them."""

    NEVER_ASKED = "NEVER_ASKED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    BELOW_POLICY_FLOOR = "BELOW_POLICY_FLOOR"
    DENIED = "DENIED"
    REMOVED = "REMOVED"
    NO_GRANT = "NO_GRANT"
    RESERVED = "RESERVED"
    AWAY = "AWAY"
    NOTHING_LEARNT = "NOTHING_LEARNT"
    NOTHING_GOOD_ENOUGH = "NOTHING_GOOD_ENOUGH"
    DISMISSED = "DISMISSED"
    UNKNOWN_QUESTION = "UNKNOWN_QUESTION"
    UNKNOWN_ITEM = "UNKNOWN_ITEM"
    NO_PRICE = "NO_PRICE"
    NO_PLACE = "NO_PLACE"
    FORGOTTEN = "FORGOTTEN"


#: The silences that consent imposes; they name the purpose that is missing.
CONSENT_SILENCES = frozenset(
    (Silence.NEVER_ASKED, Silence.WITHDRAWN, Silence.EXPIRED, Silence.BELOW_POLICY_FLOOR, Silence.DENIED)
)

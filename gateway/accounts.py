"""Bodies about events one by one: receipts for apps, the quarantine for staff."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.bodies import Body
from gateway.fields import WHOLE, Number

Source = Annotated[str, Field(pattern=r"^(app|world):[^\s\x00-\x1f:][^\s\x00-\x1f]{0,74}$")]
AnySource = Annotated[str, Field(pattern=r"^((app|world):[^\s\x00-\x1f:][^\s\x00-\x1f]{0,74})?$")]
AnyReason = Annotated[str, Field(pattern=r"^[A-Za-z_]{0,64}$")]
#: When an event was set aside, and its message id.
Cursor = Annotated[str, Field(pattern=r"^([0-9a-f]{48})?$")]


class EventFate(Body):
    """What became of one event."""

    #: Its place in the request, from 0.
    index: int
    #: "pending", "stored", "duplicate", "suppressed" or "quarantined".
    fate: str
    #: Why it was not stored, or "mended" when it was after it had been set aside.
    reason: str
    #: Path of the field that was refused.
    field: str


class ReceiptAnswer(Body):
    """The fate of each event of one accepted request."""

    receipt: str
    #: True when no event is pending any more. Fates are final then, but for quarantined events that are mended.
    complete: bool
    pending: int
    events: list[EventFate]


class QuarantineQuery(Body):
    """Asks for what was set aside."""

    source: AnySource = ""
    reason: AnyReason = ""
    #: Events on a page; counts are of all.
    limit: Annotated[int, Field(ge=0, le=500)] = 50
    #: What `next` of the page before said.
    after: Cursor = ""


class QuarantineCount(Body):
    """How many events were set aside alike."""

    source: str
    reason: str
    field: str
    #: Keyed hash of name and reason, which a rule speaks of; the name itself is kept nowhere.
    named: str
    #: Still set aside.
    quarantined: int
    #: Of these, how many a rule can mend; of the others nothing was kept.
    can_replay: int
    #: Replayed since.
    mended: int


class QuarantinedEvent(Body):
    """One event that was set aside."""

    source: str
    reason: str
    field: str
    named: str
    set_aside_at_ms: int
    can_replay: bool
    #: 0 until it is replayed.
    mended_at_ms: int
    #: What became of it then: "stored", "duplicate" or "suppressed".
    fate: str


class QuarantineAnswer(Body):
    """What was set aside."""

    counts: list[QuarantineCount]
    events: list[QuarantinedEvent]
    #: Empty after the last page.
    next: str


class RuleBody(Body):
    """Says how events of a source are to be read that were set aside under one name, for one reason."""

    source: Source
    event: Annotated[str, Field(min_length=1, max_length=512)]
    #: A malformed event can be mended when it is its time that cannot be read: it gets the time of its receipt.
    reason: Literal["unknown_event", "unknown_type", "out_of_range", "value_missing", "malformed"] = "unknown_event"
    #: Name of an event of the vocabulary pack, for example "Product Viewed"; the event itself when absent.
    means: Annotated[str, Field(max_length=64)] = ""
    #: Least and greatest value that this source sends, where the pack expects another range.
    scale: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = None
    #: The value, as it is kept, of events that have none that fits: of what has a range, 0 to 1.
    default: Number | None = None


class RuleAnswer(Body):
    """The rule is kept."""

    named: str
    #: Events that are set aside under this name, for this reason, and can be replayed.
    can_replay: int


class Rule(Body):
    """A rule, with the event name by its keyed hash."""

    source: str
    named: str
    means: str


class RulesAnswer(Body):
    """The rules of the brand."""

    rules: list[Rule]


class ReplayBody(Body):
    """Asks to replay what the rules mend."""

    #: All sources when absent.
    source: AnySource = ""
    limit: Annotated[int, Field(ge=1, le=5_000), WHOLE] = 1_000
    #: What `next` of the answer before said.
    after: Cursor = ""


class ReplayAnswer(Body):
    """What was sent through the stream; books and receipts tell what became of it."""

    replayed: int
    #: The rule asks for a value that is missing or out of range.
    unfit: int
    #: The item looks like an identity to the filter of today.
    refused: int
    #: Erased, or of somebody nothing is bound to any more.
    unreadable: int
    #: Empty when all was looked at.
    next: str

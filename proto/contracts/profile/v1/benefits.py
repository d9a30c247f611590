"""What purposes gave to people, and what was read of them before and used again, until it is reported."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from contracts.profile.v1.profile_pb2 import Benefit, Ground, NoteBenefitsRequest
from contracts.profile.v1.profile_pb2 import Offered as OfferedMessage

OFFER_SHOWN, OFFER_TAKEN, QUESTION_ANSWERED, MEMORY_USED = (
    "offer_shown",
    "offer_taken",
    "question_answered",
    "memory_used",
)
#: What was said to an offer, whether or not that is a benefit.
OFFER_ANSWERED = "offer_answered"
#: What was read, by whoever gave again what it had read before.
VIEW, MEMORY = "view", "memory"
_MOST = 5_000


class Offered(NamedTuple):
    """One offer, or what was said to one."""

    item: str
    #: Kind and ref of each reason.
    grounds: tuple[tuple[str, str], ...] = ()
    channel: str = ""
    decision_id: bytes = b""
    #: Empty where it was shown.
    answer: str = ""

    @property
    def refs(self) -> tuple[str, ...]:
        """Items and topics that the reasons name."""
        return tuple(ref for _, ref in self.grounds if ref)


class Given(NamedTuple):
    """What one purpose gave one person in one audience."""

    brand: str
    audience: str
    eid: bytes
    purpose: str
    what: str
    #: What allowed it, of what was read.
    record_id: str = ""
    #: Which offer it was.
    offered: Offered | None = None


def requests(counted: Mapping[Given, tuple[int, int, int]]) -> Iterator[NoteBenefitsRequest]:
    """Yield the requests that report what was counted: how often, when first and when last."""
    of_brands: defaultdict[str, list[Benefit]] = defaultdict(list)
    for given, (times, _, last_at_ms) in counted.items():
        brand, audience, eid, purpose, what, record_id, offered = given
        benefit = Benefit(
            audience=audience,
            eid=eid,
            purpose=purpose,
            what=what,
            count=times,
            last_at_ms=last_at_ms,
            record_id=record_id,
            offered=None if offered is None else _message(offered),
        )
        of_brands[brand].append(benefit)
    for brand, benefits in of_brands.items():
        for start in range(0, len(benefits), _MOST):
            yield NoteBenefitsRequest(brand=brand, benefits=benefits[start : start + _MOST])


def _message(offered: Offered) -> OfferedMessage:
    grounds = [Ground(kind=kind, ref=ref) for kind, ref in offered.grounds]
    return OfferedMessage(
        item=offered.item,
        grounds=grounds,
        channel=offered.channel,
        decision_id=offered.decision_id,
        answer=offered.answer,
    )

"""What lets people speak for themselves at this door: proofs, and a way for what they say onto the stream."""

from dataclasses import dataclass

from contracts.common.v1.subject_pb2 import Subject
from contracts.interaction.v1.payload import Interaction
from doors.proofs import DECISION, PERSON, REMOVAL, Proofs, Proven
from doors.publish import Position, Publisher, parcels
from doors.subjects import EdgeKeys

#: How long a device may keep its proof, and how long one click removes an offer.
DEVICE_S, CLICK_S = 90 * 86_400, 30 * 86_400
#: As long as a decision is kept.
KEPT_S = 30 * 86_400
# Items and topics stand on one line.
_BETWEEN = "\n"


@dataclass(frozen=True, slots=True)
class People:
    """Keys that know people again, proofs they hold, and the way into the stream that survives a power cut."""

    edge_keys: EdgeKeys
    proofs: Proofs
    publisher: Publisher
    partitions: int

    def proof(self, subject: Subject) -> tuple[str, int]:
        """Return a proof for somebody's device and when it ends, seconds since 1970 UTC."""
        return self.proofs.issue(Proven(subject), PERSON, DEVICE_S)

    def click(self, subject: Subject, item: str, grounds: tuple[str, ...] = ()) -> str:
        """Return the path that removes an offer, and what it rests on, with one click."""
        about = _BETWEEN.join((item, *grounds))
        return f"/v1/remove/{self.proofs.issue(Proven(subject, about), REMOVAL, CLICK_S)[0]}"

    def clicked(self, about: str) -> tuple[str, list[str]]:
        """Return the offer that a click removes, and what goes with it."""
        item, *grounds = about.split(_BETWEEN)
        return item, grounds

    def decision(self, subject: Subject, decision_id: bytes) -> str:
        """Return the name of a decision, which says about whom it is; "" for none."""
        return self.proofs.issue(Proven(subject, decision_id.hex()), DECISION, KEPT_S)[0] if decision_id else ""

    async def publish(self, brand: str, interaction: Interaction) -> list[Position]:
        """Put an interaction on the stream; return where it stands, once it is on disk."""
        return await self.publisher.publish(brand, parcels((interaction,), self.partitions))

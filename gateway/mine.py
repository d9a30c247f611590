"""What people send to and get from the endpoints that are their own."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from gateway.bodies import Body, Position
from gateway.fields import Ground, ItemId, Purpose, Topic


class ProofAnswer(Body):
    """A proof for the person's device: whoever holds it speaks for them."""

    proof: str
    expires_at_ms: int


class CorrectBody(Body):
    """What the person says of a topic or an item, whatever was inferred."""

    ref: Topic | ItemId
    says: Literal["likes", "dislikes", "neither"]


class CorrectAnswer(Body):
    """Where the correction stands in the stream: a read that waits for it sees it."""

    positions: list[Position]


class ObjectBody(Body):
    """Every kind of inference that the person objects to from now on, and purposes: those are withdrawn."""

    inferences: list[Literal["likes", "dislikes", "wishes", "habits", "ranking", "relationship"]] | None = None
    purposes: Annotated[list[Purpose], Field(default_factory=list, max_length=32)]


class RelationshipBody(Body):
    """A type of the brand's relationship pack; `GET /v1/me` names them."""

    type: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class RelationshipAnswer(Body):
    """What is declared now, and its family; both empty for nothing."""

    type: str
    family: str


class OfferRemoval(Body):
    """One offer that is not to be made any more."""

    what: Literal["offer"]
    ref: ItemId
    #: What its reasons name: nothing is told or inferred from these while the offer is removed.
    grounds: Annotated[list[Ground], Field(default_factory=list, max_length=3)]


class WholeRemoval(Body):
    """All that the brand offers, or all gifts."""

    what: Literal["brand", "gifts"]
    ref: Literal[""] = ""


#: What is not to be offered any more.
RemovalBody = Annotated[OfferRemoval | WholeRemoval, Field(discriminator="what")]


class RemovalAnswer(Body):
    """Since when it is removed, and until when one click undoes it."""

    removed_at_ms: int
    undo_until_ms: int


class TakeBackBody(Body):
    """What is taken back; no purposes means all that can be withdrawn."""

    purposes: Annotated[list[Purpose], Field(default_factory=list, max_length=32)]
    forget: StrictBool = False

"""What apps send to and get from the REST endpoints. Ids stand in bodies only: addresses end up in logs."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, model_validator
from pydantic.config import JsonDict

from gateway.fields import LINE, WHOLE, ItemId, Milliseconds, Purpose, RawId, Topic


class Body(BaseModel):
    """Unknown names are refused: a misspelt purpose list must not pass for an empty one."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Position(Body):
    """A place in the stream, as the answer to a tracking request names it."""

    partition: Annotated[int, Field(ge=0, le=63), WHOLE]
    # What JSON says exactly in every language.
    sequence: Annotated[int, Field(ge=0, lt=1 << 53), WHOLE]
    durability_class: Literal[1, 2] = 2


def _says(name: str) -> JsonDict:
    return {"required": [name], "properties": {name: {"type": "string"}}}


class Someone(Body):
    """Who is meant: the same ids that the app gives its analytics SDK; one of them."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_says("userId"), _says("anonymousId")]})

    user_id: RawId | None = Field(default=None, alias="userId")
    anonymous_id: RawId | None = Field(default=None, alias="anonymousId")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.user_id is None) == (self.anonymous_id is None):
            raise ValueError("one of userId and anonymousId is needed")
        return self


class Statement(Someone):
    """How and when a person said something about purposes."""

    #: When it was said, milliseconds since 1970 UTC; now when absent. An older statement never replaces a newer one.
    stated_at_ms: Milliseconds | None = None
    notice_version: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")] = ""
    #: BCP 47.
    language: Annotated[str, Field(max_length=16, pattern=r"^[A-Za-z0-9-]*$")] = ""


class GrantBody(Statement):
    """What a person allows."""

    purposes: Annotated[list[Purpose], Field(min_length=1, max_length=32)]
    #: The brand that the person was told by name: needed to allow what a Global Privacy Control signal refuses.
    brand: Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9-]*$")] = ""


class WithdrawBody(Statement):
    """What a person takes back; no purposes means all that can be withdrawn."""

    purposes: Annotated[list[Purpose], Field(max_length=32)] = []
    #: Erase the persona as well, with all that is linked to it, whatever the purposes.
    forget: StrictBool = False


class ConsentRecord(Body):
    """What is in force for one purpose."""

    record_id: str
    purpose: str
    purpose_version: int
    #: "given", "renewed", "withdrawn", "erased" or "never_asked".
    state: str
    sequence: int
    stated_at_ms: int
    expires_at_ms: int
    #: "rest", "frame", "sdk-preferences", "gpc", "tcf", "gpp" or "retention".
    method: str
    #: "gpc" when the person allowed by name what their browser's signal refuses.
    conflicts_with: str


class ConsentsAnswer(Body):
    """Consent records."""

    records: list[ConsentRecord]


class ConfirmedAnswer(ConsentsAnswer):
    """Consent records, and a signed receipt of them for the person: a compact JWS; empty for somebody unknown."""

    receipt: str
    #: Of a withdrawal that erases: see GET /v1/erasures. "" otherwise.
    erasure: str = ""


class ReceiptAnswer(Body):
    """A signed receipt of everything in force: a compact JWS; empty for somebody unknown."""

    receipt: str


class ExplainBody(Someone):
    """Asks why a purpose is allowed or denied."""

    purpose: Purpose


class ExplainHandleBody(Body):
    """The same, by the name that an audience has for a persona."""

    handle: Annotated[str, Field(pattern=r"^[0-9]{1,9}\.[0-9a-f]{32}$")]
    purpose: Purpose


class Key(Body):
    """One public key, RFC 8037."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeysAnswer(Body):
    """A JSON Web Key Set."""

    keys: list[Key]


class FloorBody(Body):
    """Asks to raise the lowest version of a purpose whose consents are still read."""

    purpose: Purpose
    floor: Annotated[int, Field(ge=1, lt=1 << 31), WHOLE]


class FloorAnswer(Body):
    """The floor in force."""

    floor: int


class PersonaBody(Someone):
    """Asks for a persona."""

    purpose: Purpose = "personalise.world"
    #: Wait until these are folded, to see what was just written.
    min_positions: Annotated[list[Position], Field(max_length=64)] = []
    #: When two seconds were not enough for that: answer with what there is, and say how far it is behind.
    may_be_stale: StrictBool = False


class Wish(Body):
    """A preference with evidence."""

    ref: str
    evidence: list[str]


class View(Body):
    """What this app may see of a persona: coarse, and in an order that tells nothing."""

    handle: str
    likes: list[str]
    dislikes: list[str]
    wishes: list[Wish]
    #: Whole periods of 30 days since the last interaction.
    recency_periods: int
    #: How often, per kind, as the lower edge of a power-of-two bucket.
    kinds: dict[str, int]
    channels: list[str]
    day_part: str
    #: Fields that say less than is known, or nothing: too few others of the audience would say the same.
    withheld: list[str]
    #: Family of the relationship that the persona wants; empty while nothing is likely enough.
    relationship: str


class Decision(Body):
    """Whether a purpose is allowed, and why."""

    purpose: str
    is_allowed: bool
    reason: str
    sequence: int
    record_id: str


class ExplainAnswer(Body):
    """Why a purpose is allowed or denied, and the records that led there."""

    audience: str
    decision: Decision
    #: Of the purpose's definition, and the lowest whose consents are read.
    version: int
    floor: int
    #: Newest first; the first is in force.
    records: list[ConsentRecord]
    #: The record in force as JSON-LD; empty when there is none.
    document: JsonValue


class Lag(Body):
    """How far a partition is behind what was asked for."""

    partition: int
    durability_class: int
    #: Messages of the stream in between, at most.
    messages: int
    #: Everything received before this is in the answer; milliseconds since 1970 UTC.
    complete_until_ms: int


class PersonaAnswer(Body):
    """A view, or the reason why there is none."""

    view: View | None
    decisions: list[Decision]
    #: Empty when everything asked for is in the answer.
    behind: list[Lag]


class RecommendBody(Someone):
    """Asks for offers."""

    count: Annotated[int, Field(ge=1, le=100), WHOLE] = 10
    exclude: Annotated[list[ItemId], Field(max_length=1000)] = []
    #: Where, of what terms of offers name; empty for "app".
    channel: Annotated[str, Field(pattern=r"^[a-z0-9_.-]{0,32}$")] = ""


class Reason(Body):
    """Why an item is offered, with its share of the score."""

    kind: str
    ref: str
    #: Title of the item that the reason names, if it names one.
    title: str
    share: float


class Offer(Body):
    """One offer."""

    item: str
    title: str
    topics: list[str]
    price: str
    score: float
    reasons: list[Reason]
    #: A POST there removes this offer for good, without a key: for a button beside it, or List-Unsubscribe (RFC 8058).
    remove: str
    #: The same, with the items and topics that the reasons name: nothing is inferred from those while it is removed.
    #: Empty where they name none.
    remove_with_grounds: str


class RecommendAnswer(Body):
    """Offers, or silence and why."""

    offers: list[Offer]
    abstained: str
    decision: Decision | None
    model_version: int
    #: Where offers were decided, as `/v1/decisions` tells it: for what became of the first one. Empty otherwise.
    decided: str


class Item(Body):
    """One thing that can be offered."""

    item: ItemId
    title: Annotated[str, Field(min_length=1, max_length=200, pattern=LINE)]
    topics: Annotated[list[Topic], Field(max_length=5)] = []
    price: Annotated[str, Field(max_length=32, pattern=LINE)] = ""
    place: Annotated[str, Field(max_length=100, pattern=LINE)] = ""


class ItemsBody(Body):
    """Items to put into the brand's catalogue."""

    items: Annotated[list[Item], Field(min_length=1, max_length=2000)]


class ItemsAnswer(Body):
    """How many items the catalogue holds now."""

    items: int


class BooksLine(Body):
    """What became of the events of one source in one hour."""

    source: str
    hour_ms: int
    received: int
    stored: int
    duplicate: int
    quarantined: int
    suppressed: int
    pending: int


class BooksAnswer(Body):
    """The books: received = stored + duplicate + quarantined + suppressed + pending."""

    lines: list[BooksLine]


class FacetsAnswer(Body):
    """How many facets there are: personas as one audience knows them, with at least one interaction."""

    facets: int


class HealthAnswer(Body):
    """Whether this door can work, and what it needs: "ok" or the reason why not."""

    ready: bool
    checks: dict[str, str]


class Problem(Body):
    """A refusal. It never repeats what was sent."""

    code: str
    message: str
    field: str | None = None
    limit: str | None = None

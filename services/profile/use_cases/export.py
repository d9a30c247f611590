"""A person's archive, page by page: whoever asks holds no more than a page, and each is read anew."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from services.profile import offered, sealed, stored
from services.profile.domain import Bound, Kind, Persona, Subject
from services.profile.domain.errors import ExportBrokenError
from services.profile.person import DecidedPage
from services.profile.repository import histories, offers
from services.profile.traits import Traits
from services.profile.use_cases import consents, see
from services.profile.use_cases.stores import Stores

#: Sealed bytes of a page, about; as JSON it takes twice that.
_PAGE_BYTES = 512 << 10
_DECISIONS = "decisions.json"
_INTERACTIONS = "interactions.ndjson"
_OFFERS = "offers.ndjson"
_encoder = msgspec.json.Encoder()


class _Place(msgspec.Struct, array_like=True, frozen=True):
    """Where an export goes on: which facet, behind which block; and of whom, so that it goes on with nobody else."""

    whose: bytes
    facet: int = 0
    block: int = 0
    #: Behind which decision; None when all of them are told.
    decided: bytes | None = None
    #: Behind which report of offers; None before all interactions are told.
    offer: int | None = None


class Done(msgspec.Struct, frozen=True, omit_defaults=True):
    """One interaction of the archive."""

    at_ms: int
    kind: str
    source: str
    channel: str
    item: str = ""
    topics: tuple[str, ...] = ()
    value: float | None = None
    group: str = ""
    stances: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Parts of files in order, and where it goes on; empty when it does not."""

    parts: Sequence[tuple[str, bytes]]
    next: bytes


async def export(stores: Stores, subject: Subject, after: bytes) -> Page:
    """Return the next page; raises ExportBrokenError."""
    own = await see.find_own(stores, subject)
    place = _place(own.facets)
    if after:
        told = _told(after)
        if told.whose != place.whose or told.facet >= len(own.facets):
            raise ExportBrokenError("what this archive came from has changed: begin again", field="after")
        if told.decided is not None:
            return await _decisions(stores, own, place, told.decided)
        if told.offer is not None:
            return await _offers(stores, subject, own.facets, told)
        return await _interactions(stores, own.facets, told)
    decided = await see.decided(stores, own)
    parts = [*await _summary(stores, subject, own, decided), *_array(decided, begins=b"[")]
    return Page(parts, _behind(place, decided) if own.facets else b"")


async def _decisions(stores: Stores, own: see.Own, place: _Place, after: bytes) -> Page:
    page = await see.decided(stores, own, after)
    return Page(_array(page, begins=b",\n" if page.documents else b""), _behind(place, page))


def _behind(place: _Place, page: DecidedPage) -> bytes:
    return _encoded(msgspec.structs.replace(place, decided=page.next or None))


def _array(page: DecidedPage, begins: bytes) -> list[tuple[str, bytes]]:
    """Return a page of one JSON array that goes on over pages; behind its end the next file begins."""
    part = (_DECISIONS, begins + b",\n".join(page.documents) + (b"" if page.next else b"]"))
    return [part] if page.next else [part, (_INTERACTIONS, b"")]


async def _summary(stores: Stores, subject: Subject, own: see.Own, decided: DecidedPage) -> list[tuple[str, bytes]]:
    shown, traits = await see.look(stores, subject, own, decided)
    offers = {"removed": shown.removed, "benefits": shown.benefits}
    return [
        ("person.json", _encoder.encode(shown)),
        ("consents.jsonld", await consents.documents(stores, subject)),
        ("consents.jws", (await consents.issue_receipt(stores, subject)).encode()),
        ("traits.json", _encoder.encode(_readable(traits))),
        ("inferences.json", _encoder.encode(shown.inferred)),
        ("memories.json", _encoder.encode(shown.remembered)),
        ("offers.json", _encoder.encode(offers)),
        ("relationship.json", _encoder.encode(shown.relationship)),
        ("links.json", _encoder.encode(shown.linked)),
        ("recipients.json", _encoder.encode(shown.readers)),
        ("habits.json", decided.habits),
    ]


async def _interactions(stores: Stores, own: Sequence[Bound], place: _Place) -> Page:
    bound = own[place.facet]
    blocks = await histories.behind(stores.profile, bound.persona, place.block, _PAGE_BYTES)
    if not blocks:
        is_last = place.facet + 1 == len(own)
        return Page([], _encoded(_Place(place.whose, offer=0) if is_last else _Place(place.whose, place.facet + 1)))
    key = sealed.data_key(stores.keyring, bound)
    lines = b"".join(_lines(key, bound.persona, block_id, body) for _, block_id, body in blocks)
    return Page([(_INTERACTIONS, lines)], _encoded(_Place(place.whose, place.facet, blocks[-1][0])))


async def _offers(stores: Stores, subject: Subject, own: Sequence[Bound], place: _Place) -> Page:
    bound = own[place.facet]
    reports = await offers.behind(stores.profile, bound.persona, place.offer or 0)
    if not reports:
        is_last = place.facet + 1 == len(own)
        # The file is there also where nothing was offered.
        return Page([(_OFFERS, b"")], b"" if is_last else _encoded(_Place(place.whose, place.facet + 1, offer=0)))
    key = sealed.data_key(stores.keyring, bound)
    told = (each for _, body in reports for each in offered.decode(sealed.open_offers(key, bound.persona, body)))
    lines = _encoder.encode_lines([offered.line(subject.brand, subject.audience, each) for each in told])
    return Page([(_OFFERS, lines)], _encoded(_Place(place.whose, place.facet, offer=reports[-1][0])))


def _lines(key: bytes, persona: Persona, block_id: bytes, body: bytes) -> bytes:
    interactions = stored.decode(sealed.open_block(key, persona, block_id, body))
    return _encoder.encode_lines([_done(each) for each in interactions])


def _done(each: stored.Stored) -> Done:
    group = each.other.hex() if each.other else ""
    kind = Kind(each.kind).name.lower()
    told = each.source, each.channel, each.item or "", each.topics, each.value, group, each.stances
    return Done(each.at_ms, kind, *told)


def _readable(traits: Traits) -> dict[str, object]:
    return {
        "groups": [{"at_ms": each.at, "group": each.group.hex()} for each in traits.groups],
        "likes": traits.likes,
        "dislikes": traits.dislikes,
        "channels": traits.channels,
        "kinds": {Kind(kind).name.lower(): tally for kind, tally in traits.kinds.items()},
        "wishes": [
            {"at_ms": each.at, "ref": each.ref, "weight": each.weight, "kind": Kind(each.kind).name.lower()}
            for each in traits.wishes
        ],
        "heard": [{"at_ms": each.at, "stances": each.stances} for each in traits.heard],
        "played": traits.played,
        "bought_on": traits.bought_on,
        "stated": [{"at_ms": each.at, "ref": each.ref, "value": each.value} for each in traits.stated],
    }


def _place(own: Sequence[Bound]) -> _Place:
    return _Place(hashlib.sha256(b"".join(each.persona.pid for each in own)).digest()[:16])


def _encoded(place: _Place) -> bytes:
    return msgspec.msgpack.encode(place)


def _told(after: bytes) -> _Place:
    try:
        return msgspec.msgpack.decode(after, type=_Place)
    except msgspec.MsgspecError:
        raise ExportBrokenError("this is no place in an archive", field="after") from None

"""Shows a person their persona: what its own audience taught us of it, what follows, who read it, what that gave.

Access needs no consent. Another audience's part is shown there: whoever holds a proof of one audience must not learn
through it what another was told.
"""

from collections import Counter
from dataclasses import dataclass

from services.profile import choices, handles, offered, person, sealed, tails
from services.profile.choices import Choices
from services.profile.domain import Bound, Subject
from services.profile.offered import Offered
from services.profile.person import DecidedPage, Link, Person, Remembered
from services.profile.repository import facets, offers, uses
from services.profile.shown import playing, standing
from services.profile.traits import Traits, merge
from services.profile.use_cases import choose, cross
from services.profile.use_cases.consents import list_consents, whole
from services.profile.use_cases.stores import Stores
from services.profile.weights import model_name

# How many facets of one audience the avatar service is asked of at once: its accounts and devices.
_MOST_KEYED = 64


@dataclass(frozen=True, slots=True)
class Own:
    """Facets of one subject's audience, its own first, with what holds for all; and where else it is linked."""

    facets: list[Bound]
    choices: Choices
    elsewhere: tuple[Link, ...] = ()


async def find_own(stores: Stores, subject: Subject) -> Own:
    """Return what a person may be shown through their audience; nothing for somebody unknown."""
    found = await whole(stores, subject)
    if found.bound is None:
        return Own([], Choices())
    own, crossed = [found.bound, *found.others], await cross.readable(stores, found.crossings)
    chosen = choices.merge([choose.of(stores, each) for each in (*own, *crossed)])
    elsewhere: Counter[str] = Counter()
    for each in found.crossings:
        elsewhere[each.other_audience] += len(each.facets)
    return Own(own, chosen, tuple(Link(audience, count) for audience, count in sorted(elsewhere.items())))


async def decided(stores: Stores, own: Own, after: bytes = b"") -> DecidedPage:
    """Return a page of what was decided about a person; nothing where nobody decides."""
    if stores.rankings is None or not own.facets:
        return DecidedPage()
    keyed = [
        (each.persona, sealed.decision_key(sealed.data_key(stores.keyring, each))) for each in own.facets[:_MOST_KEYED]
    ]
    return await stores.rankings.decided(keyed, after)


async def see(stores: Stores, subject: Subject) -> Person:
    """Return all that is shown."""
    own = await find_own(stores, subject)
    return (await look(stores, subject, own, await decided(stores, own)))[0]


async def look(stores: Stores, subject: Subject, own: Own, page: DecidedPage) -> tuple[Person, Traits]:
    """Return all that is shown, and the traits it follows from."""
    now_ms = stores.now_ms()
    if not own.facets:
        return Person(subject.audience, "", now_ms), Traits()
    # What was read a moment ago is told as well.
    await stores.uses.flush(stores.profile)
    traits = await _traits(stores, subject, own.facets)
    lines = await uses.of(stores.profile, [each.persona for each in own.facets])
    remembered = await _remembered(stores, subject, own.facets)
    first = own.facets[0]
    shown = Person(
        audience=subject.audience,
        handle=handles.render(stores.keyring, subject.audience, first.persona.pid, first.generation),
        at_ms=now_ms,
        known=person.known(traits),
        inferred=person.inferred(traits, own.choices, model_name(), now_ms),
        stated=person.stated(traits),
        consents=tuple(await list_consents(stores, subject)),
        remembered=remembered,
        readers=person.readers(lines),
        benefits=person.benefits(lines),
        removed=person.removed(own.choices),
        objected=own.choices.objections,
        linked=own.elsewhere,
        wishes=person.wished(traits, own.choices, now_ms),
        relationship=person.related(stores.packs.of(subject.brand), traits, own.choices, now_ms),
        journey=standing(stores.journeys, traits, own.choices, now_ms),
        play=playing(stores.players.of(subject.brand), traits, own.choices, now_ms),
        decided=person.decided(page),
        offers=offered.shown(subject.brand, subject.audience, await _offered(stores, own.facets), own.choices),
    )
    return shown, traits


async def _offered(stores: Stores, own: list[Bound]) -> list[Offered]:
    rows = await offers.newest(stores.profile, [each.persona for each in own])
    keyed = {each.persona.pid: (each.persona, sealed.data_key(stores.keyring, each)) for each in own}
    opened: list[Offered] = []
    for pid, body in rows:
        persona, key = keyed[pid]
        opened.extend(offered.decode(sealed.open_offers(key, persona, body)))
    return opened


async def _remembered(stores: Stores, subject: Subject, own: list[Bound]) -> tuple[Remembered, ...]:
    if stores.avatars is None:
        return ()
    keyed = [(each.persona, sealed.memory_key(sealed.data_key(stores.keyring, each))) for each in own[:_MOST_KEYED]]
    return await stores.avatars.memories(subject.audience, keyed)


async def _traits(stores: Stores, subject: Subject, own: list[Bound]) -> Traits:
    loaded = await facets.load(stores.profile, subject.brand, [each.persona for each in own])
    whole = Traits()
    for each in own:
        if (lying := loaded.get(each.persona.pid)) is not None:
            key = sealed.data_key(stores.keyring, each)
            whole = merge(whole, tails.whole(key, each.persona, lying, stores.weights))
    return whole

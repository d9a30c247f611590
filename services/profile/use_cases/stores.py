"""What every use case stands on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from kit.db import Database
from kit.keyring import KeyRing
from kit.together import Together
from services.profile.bearing import Bearings
from services.profile.clients import Avatars, ConsentClient, Rankings
from services.profile.crowds import Crowds
from services.profile.domain import Bound, Persona
from services.profile.fenced import Decisions
from services.profile.journey import Journeys, load_journeys
from services.profile.playing import PlayerPacks, load_players
from services.profile.relations import RelationshipPacks, load_packs
from services.profile.repository import facets, vault
from services.profile.repository.vault import Address
from services.profile.segments import SegmentsPack
from services.profile.tails import Tailed
from services.profile.uses import Uses
from services.profile.weights import Weights


class LookUps:
    """What reads look up by key, for as many readers as there are at that moment."""

    def __init__(self, profile: Database, vault_of_it: Database) -> None:
        self.bound: Together[Address, dict[Address, tuple[Bound, bool]]] = Together(partial(vault.find, vault_of_it))
        self.facets: Together[Persona, dict[bytes, Tailed]] = Together(partial(facets.load, profile))


@dataclass(frozen=True, slots=True)
class Stores:
    """Both databases, the keys, the truth about consent and what it allows now, weights, and what may cross.

    The clock counts milliseconds since 1970 UTC; `token` gives random bytes.
    """

    profile: Database
    vault: Database
    keyring: KeyRing
    consent: ConsentClient
    decisions: Decisions
    weights: Weights
    crowds: Crowds
    now_ms: Callable[[], int]
    token: Callable[[int], bytes]
    #: Counts what is read of whom, and what it gave.
    uses: Uses = field(default_factory=Uses)
    #: By which each brand reads relationships.
    packs: RelationshipPacks = field(default_factory=load_packs)
    #: By which each brand reads play.
    players: PlayerPacks = field(default_factory=load_players)
    #: By which it is told where personas stand.
    journeys: Journeys = field(default_factory=load_journeys)
    #: The brand's wish segments; None where it has none.
    segments: SegmentsPack | None = None
    #: What avatars remember is asked of them; None where there are none.
    avatars: Avatars | None = None
    #: What was decided, likewise.
    rankings: Rankings | None = None
    look_ups: LookUps = field(init=False)
    bearings: Bearings = field(init=False)

    def __post_init__(self) -> None:
        """Make what stands on both databases, and on the packs."""
        object.__setattr__(self, "look_ups", LookUps(self.profile, self.vault))
        object.__setattr__(self, "bearings", Bearings(self.journeys, self.players))

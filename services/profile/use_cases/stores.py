"""What every use case stands on."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kit.db import Database
from kit.keyring import KeyRing
from services.profile.clients import Avatars, ConsentClient, Rankings
from services.profile.crowds import Crowds
from services.profile.fenced import Decisions
from services.profile.journey import Journeys, load_journeys
from services.profile.playing import PlayerPacks, load_players
from services.profile.relations import RelationshipPacks, load_packs
from services.profile.segments import SegmentsPack
from services.profile.uses import Uses
from services.profile.weights import Weights


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

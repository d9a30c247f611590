"""Player packs: dimensions of play as configuration, checked as a whole when they are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from kit import packs
from kit.packs import Label, Pack, Words

PACKS = Path(__file__).parent / "packs"
#: What worlds count: trades, different partners in chat, metres from where one was before, blocks, helps, rules.
Behaviour = Literal["trades", "chat_partners", "distance_explored", "blocks_built", "help_given", "rules_broken"]
BEHAVIOURS: tuple[Behaviour, ...] = get_args(Behaviour)
_Topic = Annotated[str, Meta(min_length=1, max_length=64)]
_Weight = Annotated[float, Meta(ge=-2, le=2)]


class Suits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What suits whoever plays so: how to say it, and topics of offers, as a brand's terms name them."""

    style: Words
    topics: tuple[_Topic, ...] = ()


class Dimension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to play, and what speaks for it (positive) and against it (negative)."""

    label: Label
    evidence: dict[Behaviour, _Weight]
    suits: Suits | None = None


class PlayerPack(Pack, frozen=True, kw_only=True):
    """The file."""

    #: Who named the dimensions, and whose the numbers are.
    source: Words
    #: How much of each is typical of an hour.
    typical_an_hour: dict[Behaviour, Annotated[float, Meta(gt=0)]]
    dimensions: dict[str, Dimension]


def read_pack(path: Path) -> PlayerPack:
    """Return the pack in a file; raises PackError that names the field and the limit."""
    return packs.checked(path, PlayerPack, _problems)


def named_pack(name: str) -> PlayerPack:
    """Return a pack that ships with the platform."""
    return read_pack(packs.named(PACKS, name))


def shipped() -> tuple[str, ...]:
    """Return the names of those."""
    return packs.shipped(PACKS)


def _problems(pack: PlayerPack) -> Iterator[str]:
    if not pack.dimensions:
        yield "dimensions: at least one is needed"
    for name, dimension in pack.dimensions.items():
        if not any(weight > 0 for weight in dimension.evidence.values()):
            yield f"dimensions.{name}.evidence: at least one weight above 0 is needed"
        for behaviour in dimension.evidence:
            if behaviour not in pack.typical_an_hour:
                yield f"dimensions.{name}.evidence.{behaviour}: it is not among typical_an_hour"

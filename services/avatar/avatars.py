"""The brand avatars there are, read from packs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kit.packs import Pack, PackError, load
from services.avatar.domain import OFFER, PERSONALISE, REASONS, Silence, UnknownAvatarError
from services.avatar.manners import Approach

PACKS = Path(__file__).parent / "packs"

Language = Literal["de", "en"]
Text = dict[Language, str]
Words = dict[Language, tuple[str, ...]]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}$")]
Seconds = Annotated[int, Meta(ge=1, le=3600)]


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds between two suggestions, and before the first of a visit."""

    between_s: Seconds
    first_s: Seconds


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing the avatar knows: words that ask for it (a trailing * stands for any ending) and the answer."""

    topic: Name
    keywords: Words
    answer: Text


class HandOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a human takes over: on these words, or after this many questions in a row without an answer."""

    keywords: Words
    after_unanswered: Annotated[int, Meta(ge=1, le=10)]
    say: Text


class Lines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the avatar says; {title}, {price} and {place} are filled in from the catalogue."""

    greeting: tuple[Text, ...]
    greeting_again: tuple[Text, ...]
    suggest: Text
    price: Text
    place: Text
    help: Text


class Avatar(Pack, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One avatar of one brand."""

    brand: Name
    avatar: Name
    display_name: str
    languages: Annotated[tuple[Language, ...], Meta(min_length=1)]
    ai_line: Text
    quiet: Quiet
    lines: Lines
    reasons: dict[str, Text]
    purposes: dict[str, Text]
    silences: dict[Silence, Text]
    faq: tuple[Entry, ...] = ()
    hand_over: HandOver

    @property
    def approach(self) -> Approach:
        return Approach(self.quiet.between_s, self.quiet.first_s)

    def language(self, asked: str) -> Language:
        """Return the language to speak for a BCP 47 tag; the avatar's own where it does not speak the one asked for."""
        primary = asked.partition("-")[0].lower()
        return next((language for language in self.languages if language == primary), self.languages[0])

    def entry(self, topic: str) -> Entry | None:
        return next((entry for entry in self.faq if entry.topic == topic), None)


class Avatars:
    """All avatars, by brand and id."""

    def __init__(self, avatars: Iterator[Avatar]) -> None:
        self._avatars = {(avatar.brand, avatar.avatar): avatar for avatar in avatars}

    def get(self, brand: str, avatar: str) -> Avatar:
        """Return the avatar; raises UnknownAvatarError."""
        found = self._avatars.get((brand, avatar))
        if found is None:
            raise UnknownAvatarError("the brand has no such avatar", field="visit.avatar")
        return found


def load_avatars(folder: Path = PACKS) -> Avatars:
    """Read every pack of the folder; raises PackError for a folder without one."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise PackError(f"{folder}: no avatar in this folder")
    return Avatars(_load(path) for path in paths)


def _load(path: Path) -> Avatar:
    avatar = load(path, Avatar)
    named = {*avatar.silences, *avatar.purposes, *avatar.reasons}
    if silent := {*Silence, *REASONS, PERSONALISE, OFFER} - named:
        raise PackError(f"{path}: without words: {', '.join(sorted(silent))}")
    for text in _texts(avatar):
        if missing := set(avatar.languages) - text.keys():
            raise PackError(
                f"{path}: a text is missing in {', '.join(sorted(missing))}: {next(iter(text.values()), '')}"
            )
    return avatar


def _texts(avatar: Avatar) -> Iterator[Text | Words]:
    lines = avatar.lines
    yield from (avatar.ai_line, lines.suggest, lines.price, lines.place, lines.help)
    yield from (*lines.greeting, *lines.greeting_again)
    yield from (*avatar.reasons.values(), *avatar.purposes.values(), *avatar.silences.values())
    yield from (avatar.hand_over.say, avatar.hand_over.keywords)
    for entry in avatar.faq:
        yield from (entry.keywords, entry.answer)

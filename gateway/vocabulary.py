"""The vocabulary packs of a source, compiled: event name to rule, word to topic, library to channel."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import msgspec

from contracts.interaction.v1 import interaction_pb2
from doors.texts import SPOKEN
from gateway.domain import CHANNELS
from kit.packs import Pack, PackError, load

PACK = Path(__file__).parent / "packs" / "segment_ecommerce.yaml"
FURTHER = Path(__file__).parent / "packs" / "vocabularies"
_KIND = "KIND_"
_WORD = re.compile(r"[\w'&-]+")
_CATEGORY_PATH = re.compile(r"[>/|,;]")
MOST_TOPICS = 5
_MOST_WORDS = 50
_MOST_SPELLINGS = 4_096
_SPACES = str.maketrans(" -", "__")


class ValueField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A property that holds the value; with a scale (least, most) it is brought to 0 … 1."""

    field: str
    scale: tuple[float, float] | None = None


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an event's parts stand when its rule does not say."""

    item: tuple[str, ...]
    topics: tuple[str, ...]
    value: tuple[ValueField, ...]
    words: tuple[str, ...]
    products: tuple[str, ...]
    text: tuple[str, ...] = ()


class EventRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event name of the pack."""

    kind: str
    item: tuple[str, ...] | None = None
    value: tuple[ValueField, ...] | None = None
    needs_value: bool = False
    #: Where a text stands that is judged and gone; kinds that allow none have none.
    text: tuple[str, ...] | None = None


class VocabularyPack(Pack, frozen=True, kw_only=True):
    """The file."""

    fields: Fields
    events: dict[str, EventRule]
    topics: dict[str, tuple[str, ...]]
    channels: dict[str, str]


_NO_FIELDS = Fields(item=(), topics=(), value=(), words=(), products=())


class FurtherPack(Pack, frozen=True, kw_only=True):
    """Events of one kind of source, beside those of the first pack. What a rule does not name it does not read."""

    events: dict[str, EventRule]


class Rule(msgspec.Struct, frozen=True):
    """One event name, ready to use. With an empty `item` the event has none, with an empty `text` it takes none."""

    kind: int
    item: tuple[str, ...]
    value: tuple[ValueField, ...]
    needs_value: bool
    text: tuple[str, ...] = ()


class Vocabulary:
    """What the door understands. Everything it is asked about it looks up; nothing is guessed."""

    def __init__(self, pack: VocabularyPack, further: Sequence[FurtherPack] = ()) -> None:
        """Merge the packs; raises PackError where two of them say different things about one event."""
        self.version = "+".join(f"{each.id}/{each.version}" for each in (pack, *further))
        self.fields = pack.fields
        self._rules = {name: _rule(name, rule, pack.fields) for name, rule in pack.events.items()}
        for each in further:
            self._add(each)
        self._spellings: dict[str, Rule] = {}
        self._topics = {word: topic for topic, words in pack.topics.items() for word in (topic, *words)}
        self._channels = _channels(pack)
        rules = self._rules.values()
        #: Every property that may hold an item, every one that may hold a value, and every one that may hold a text.
        self.item_fields = _once(pack.fields.item, *(rule.item for rule in rules))
        values = (pack.fields.value, *(rule.value for rule in rules))
        self.value_fields = _once(*([value.field for value in each] for each in values))
        self.text_fields = _once(*(rule.text for rule in rules))

    def _add(self, pack: FurtherPack) -> None:
        for name, told in pack.events.items():
            rule = _rule(name, told, _NO_FIELDS)
            if self._rules.setdefault(name, rule) != rule:
                raise PackError(f"{pack.id}: event {name} means something else in another pack of this source")

    def rule(self, event: str) -> Rule | None:
        """Return the rule of an event name, None when the pack does not know it."""
        rule = self._spellings.get(event)
        if rule is None:
            rule = self._rules.get(spelled(event))
            # Only names of the pack are remembered, as clients spell them.
            if rule is not None and len(self._spellings) < _MOST_SPELLINGS:
                self._spellings[event] = rule
        return rule

    def topics(self, texts: Iterable[Any]) -> tuple[str, ...]:
        """Return the topics that categories name, as a whole or by the parts of a category path; at most 5."""
        found: dict[str, None] = {}
        for text in texts:
            if not isinstance(text, str):
                continue
            topic = self._topics.get(text)
            if topic is not None:
                found[topic] = None
            else:
                found.update(self._topics_in(text))
        return tuple(found)[:MOST_TOPICS]

    def _topics_in(self, category: str) -> dict[str, None]:
        name = category.strip().lower()
        if name in self._topics:
            return {self._topics[name]: None}
        parts = (part.strip() for part in _CATEGORY_PATH.split(name, MOST_TOPICS))
        return {self._topics[part]: None for part in parts if part in self._topics}

    def topics_of_words(self, text: str) -> tuple[str, ...]:
        """Return the topics that the words of a query, or two words together, mean; at most 5."""
        words = _WORD.findall(text.lower())[:_MOST_WORDS]
        pairs = (f"{first} {second}" for first, second in pairwise(words))
        found = dict.fromkeys(self._topics[term] for term in (*pairs, *words) if term in self._topics)
        return tuple(found)[:MOST_TOPICS]

    def channel_of(self, library: str) -> str | None:
        """Return the channel of an SDK by the name it sends, None when it is not in the pack."""
        name = library.lower()
        for prefix, channel in self._channels:
            if name.startswith(prefix):
                return channel
        return None

    def properties(self) -> type[msgspec.Struct]:
        """Return the type of the properties that any rule reads; all others need not even be decoded."""
        lists = self.fields.topics, self.fields.words, self.fields.products
        names = chain(*lists, self.item_fields, self.value_fields, self.text_fields)
        return msgspec.defstruct("Properties", [(name, Any, None) for name in dict.fromkeys(names)], gc=False)


def spelled(event: str) -> str:
    """Return an event's name as the pack spells it."""
    return event.lower().translate(_SPACES)


def load_vocabulary(path: Path = PACK, further: Sequence[FurtherPack] = ()) -> Vocabulary:
    """Return the pack in `path` and `further` ones, compiled; raises PackError naming what is wrong with them."""
    return Vocabulary(load(path, VocabularyPack), further)


def load_further(folder: Path = FURTHER) -> dict[str, FurtherPack]:
    """Return the packs in `folder` by their ids; raises PackError."""
    packs: dict[str, FurtherPack] = {}
    for path in sorted(folder.glob("*.yaml")):
        pack = load(path, FurtherPack)
        if packs.setdefault(pack.id, pack) is not pack:
            raise PackError(f"{path}: there is another pack {pack.id}")
    return packs


def _once(*names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(names)))


def _rule(name: str, rule: EventRule, fields: Fields) -> Rule:
    kinds = interaction_pb2.Kind
    if _KIND + rule.kind.upper() not in kinds.keys():  # noqa: SIM118  # an enum wrapper has no `in` of its own
        raise PackError(f"event {name}: there is no kind {rule.kind}")
    kind = kinds.Value(_KIND + rule.kind.upper())
    if rule.text and kind not in SPOKEN:
        raise PackError(f"event {name}: a text comes with no event of kind {rule.kind}")
    item = fields.item if rule.item is None else rule.item
    value = fields.value if rule.value is None else rule.value
    text = (fields.text if rule.text is None else rule.text) if kind in SPOKEN else ()
    return Rule(kind, item, value, rule.needs_value, text)


def _channels(pack: VocabularyPack) -> list[tuple[str, str]]:
    unknown = set(pack.channels.values()) - CHANNELS
    if unknown:
        raise PackError(f"{pack.id}: there is no channel {', '.join(sorted(unknown))}")
    return sorted(pack.channels.items(), key=lambda named: -len(named[0]))

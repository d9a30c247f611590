"""What an event's properties say: item, topics and value, by the rule of its name."""

import math
from collections.abc import Callable
from itertools import islice
from operator import attrgetter
from typing import Any

from doors.texts import MOST_CHARACTERS
from gateway.domain import MAX_VALUE
from gateway.vocabulary import MOST_TOPICS, Rule, Vocabulary
from kit.refusal import identity_in

_MOST_REMEMBERED = 65_536
# Names of categories are shorter; longer ones are looked up anew, and not kept.
_MOST_REMEMBERED_CHARACTERS = 64
_MOST_PRODUCTS = 100
_NO_PRODUCTS: list[dict[str, Any]] = []
_NUMERIC = frozenset({int, float, str})
_NO_WORDS: tuple[Any, ...] = ()


class RefusedError(Exception):
    """This event cannot be kept: why, and which field. Never leaves the translation and holds no value."""

    def __init__(self, reason: str, field: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


#: The part of the properties that is kept: item, topics, value.
Said = tuple[str | None, tuple[str, ...], float | None]
#: What is left without a rule: items by field, topics, values by field.
Left = tuple[dict[str, str], tuple[str, ...], dict[str, float]]
_MOST_LEFT = 4


class Reader:
    """Reads decoded properties. Remembers which items were found harmless, so that each is judged once."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        own_ids: frozenset[int] = frozenset(),
        passed: Callable[[str], None] | None = None,
    ) -> None:
        """Take the lengths at which digits alone are an item of this source, whoever's number they may look like.

        `passed` is told each item that the filter let pass, when it is judged.
        """
        self._passed = passed
        self._vocabulary = vocabulary
        self._own_ids = own_ids
        self._fields = vocabulary.fields
        fields = vocabulary.fields
        self._lists_of = _getter((*fields.products, *fields.words))
        self._topics_of = _getter(fields.topics)
        self._topics_known: dict[tuple[Any, ...], tuple[str, ...]] = {}
        self._nothing = (None,) * (len(fields.products) + len(fields.words))
        self._harmless: set[str] = set()

    def read(self, rule: Rule, properties: Any, raw_ids: tuple[str, str]) -> Said:
        """Return what `properties` say under `rule`; raises RefusedError."""
        if self._lists_of(properties) == self._nothing:
            # As nearly all.
            products, topics = _NO_PRODUCTS, self._topics_alone(properties)
        else:
            products, words = self._lists(properties)
            topics = self._all_topics(properties, products, words)
        item = self._item(rule.item, properties, products, raw_ids) if rule.item else None
        return item, topics, _value(rule, properties) if rule.value else None

    @staticmethod
    def text(rule: Rule, properties: Any) -> str:
        """Return what was said in words, as far as it is judged; nothing of it may be kept."""
        told = (getattr(properties, name) for name in rule.text)
        return next((text[:MOST_CHARACTERS] for text in told if isinstance(text, str) and text.strip()), "")

    def left(self, properties: Any, raw_ids: tuple[str, str]) -> Left:
        """Return what any rule could read of `properties`: what looks like an identity is left out, not refused."""
        products, words = self._lists(properties)
        items = {name: getattr(properties, name) for name in self._vocabulary.item_fields}
        if products and not any(items.values()):
            items = {name: products[0].get(name) for name in items}
        harmless = {name: text for name, told in items.items() if self._is_harmless(text := _id_text(told), raw_ids)}
        told = ((name, _number(getattr(properties, name))) for name in self._vocabulary.value_fields)
        values = {name: number for name, number in told if number is not None and abs(number) <= MAX_VALUE}
        few = dict(islice(harmless.items(), _MOST_LEFT))
        return few, self._all_topics(properties, products, words), values

    def _is_harmless(self, item: str, raw_ids: tuple[str, str]) -> bool:
        return bool(item) and item not in raw_ids and not self._is_identity(item)

    def _is_identity(self, item: str) -> bool:
        return not self._is_own(item) and bool(identity_in(item))

    def _is_own(self, item: str) -> bool:
        return len(item) in self._own_ids and item.isascii() and item.isdigit()

    def _lists(self, properties: Any) -> tuple[list[dict[str, Any]], tuple[Any, ...]]:
        if (lists := self._lists_of(properties)) == self._nothing:
            return _NO_PRODUCTS, _NO_WORDS
        count = len(self._fields.products)
        return _products(lists[:count]), lists[count:]

    def _topics_alone(self, properties: Any) -> tuple[str, ...]:
        told = self._topics_of(properties)
        try:
            known = self._topics_known.get(told)
        except TypeError:
            # Lists, which no table takes.
            return self._topics(told)
        if known is None:
            known = self._topics(told)
            if len(self._topics_known) < _MOST_REMEMBERED and _is_short(told):
                self._topics_known[told] = known
        return known

    def _all_topics(self, properties: Any, products: list[dict[str, Any]], words: tuple[Any, ...]) -> tuple[str, ...]:
        if not products:
            return self._with_words(self._topics_alone(properties), words)
        of_products = (product.get(name) for product in products for name in self._fields.topics)
        return self._with_words(self._topics((*self._topics_of(properties), *of_products)), words)

    def _item(
        self, names: tuple[str, ...], properties: Any, products: list[dict[str, Any]], raw_ids: tuple[str, str]
    ) -> str | None:
        field, item = _first(properties, names)
        if not item:
            if not products:
                return None
            field, item = _first_of(products[0], names)
            field = f"products[0].{field}"
            if not item:
                return None
        if item not in self._harmless:
            self._judge(item, field)
        # Not remembered: what is one visitor's own id is another's article.
        if item in raw_ids:
            raise RefusedError("identity_refused", f"properties.{field}")
        return item

    def _judge(self, item: str, field: str) -> None:
        if self._is_identity(item):
            raise RefusedError("identity_refused", f"properties.{field}")
        if self._passed is not None and not self._is_own(item):
            self._passed(item)
        if len(self._harmless) < _MOST_REMEMBERED:
            self._harmless.add(item)

    def _topics(self, told: tuple[Any, ...]) -> tuple[str, ...]:
        texts: list[Any] = []
        for each in told:
            if each is not None:
                texts.extend(each if isinstance(each, list) else (each,))
        return self._vocabulary.topics(texts)

    def _with_words(self, topics: tuple[str, ...], words: tuple[Any, ...]) -> tuple[str, ...]:
        # Not remembered: what people search for is theirs.
        for text in words:
            if isinstance(text, str):
                topics = tuple(dict.fromkeys((*topics, *self._vocabulary.topics_of_words(text))))
        return topics[:MOST_TOPICS]


def _value(rule: Rule, properties: Any) -> float | None:
    for value in rule.value:
        told = getattr(properties, value.field)
        if told is None or (number := _number(told)) is None:
            continue
        least, most = value.scale or (-MAX_VALUE, MAX_VALUE)
        if not least <= number <= most:
            raise RefusedError("out_of_range", f"properties.{value.field}")
        return (number - least) / (most - least) if value.scale else number
    if rule.needs_value:
        raise RefusedError("value_missing", f"properties.{rule.value[0].field}")
    return None


def _number(told: Any) -> float | None:
    # Of JSON, so that these are all: a truth value is an int to `isinstance`.
    if type(told) not in _NUMERIC:
        return None
    try:
        number = float(told)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _products(lists: tuple[Any, ...]) -> list[dict[str, Any]]:
    for told in lists:
        if isinstance(told, list):
            return [product for product in told[:_MOST_PRODUCTS] if isinstance(product, dict)]
    return []


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    # One call for all: these are asked of every event, and most of them are not there.
    if len(names) > 1:
        return attrgetter(*names)
    return lambda properties: tuple(getattr(properties, name) for name in names)


def _is_short(told: tuple[Any, ...]) -> bool:
    for each in told:
        if each is not None and (type(each) is not str or len(each) > _MOST_REMEMBERED_CHARACTERS):
            return False
    return True


def _first(properties: Any, names: tuple[str, ...]) -> tuple[str, str]:
    for name in names:
        told = getattr(properties, name)
        if told is not None and (text := told if type(told) is str else _id_text(told)):
            return name, text
    return "", ""


def _first_of(product: dict[str, Any], names: tuple[str, ...]) -> tuple[str, str]:
    for name in names:
        if text := _id_text(product.get(name)):
            return name, text
    return "", ""


def _id_text(told: Any) -> str:
    if isinstance(told, str):
        return told
    return str(told) if isinstance(told, int) and not isinstance(told, bool) else ""

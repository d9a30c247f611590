"""Finds what a question is about: words against keywords and titles. Questions are looked at and not kept."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from services.avatar.domain import Item

_WORD = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"\(\d{4}\)")
# Left out of titles and questions alike: catalogues write "Godfather, The".
_ARTICLES = frozenset(("a", "an", "the", "der", "die", "das", "den", "dem", "ein", "eine", "einen", "le", "la", "les"))
#: A title of fewer letters is likelier to be an ordinary word of the question ("It", "Up").
_LEAST_LETTERS = 4


def words(text: str) -> list[str]:
    """Return the words in lower case, composed, without articles."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return [word for word in _WORD.findall(plain) if word not in _ARTICLES]


def hits(asked: Sequence[str], keywords: Iterable[str]) -> int:
    """Count the keywords that occur among the words; a keyword that ends in * stands for any ending."""
    return sum(any(_is(keyword.casefold(), word) for word in asked) for keyword in keywords)


def _is(keyword: str, word: str) -> bool:
    return word.startswith(keyword[:-1]) if keyword.endswith("*") else word == keyword


class Catalogue:
    """The items of one brand, to be found by title."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = {item.item: item for item in items}
        self._titles: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for item in self._items.values():
            title = tuple(words(_YEAR.sub("", item.title)))
            if len("".join(title)) >= _LEAST_LETTERS:
                self._titles[title[0]].append((title, item.item))

    def get(self, item: str) -> Item | None:
        return self._items.get(item)

    def find(self, question: str) -> Item | None:
        """Return the one item that the question names, by its longest title; None for none or several."""
        if question.strip() in self._items:
            return self._items[question.strip()]
        asked = words(question)
        named = [
            (len(title), item)
            for start, word in enumerate(asked)
            for title, item in self._titles.get(word, ())
            if tuple(asked[start : start + len(title)]) == title
        ]
        longest = max((length for length, _ in named), default=0)
        items = {item for length, item in named if length == longest}
        return self._items[items.pop()] if len(items) == 1 else None

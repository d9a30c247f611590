"""What words and marks tell beside the meaning of a sentence: praise and scorn, orders, ideas, goods, how loud it is.

To an encoder "never buy this" lies close to "buy this"; to a list of what people say it does not. The lists are
`lexicon/<language>.yaml`; both are looked for in every text, for people mix languages.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from kit.packs import read_yaml
from relationships.encoder import Matrix

LEXICON = Path(__file__).parent / "lexicon"
_TOKEN = re.compile(r"\w+(?:'\w+)?|[^\w\s]")
_ANY = "*"
#: Tokens of the longest entry.
_LONGEST = 5
_DENIAL = "denial"
_DENIAL_REACHES = 3
#: Denied praise blames; denied blame is too rare a praise to count on.
_WHEN_DENIED = {"praise": "blame", "rapture": "blame"}
_ORDER = re.compile(
    r"(?:^|[.!?]\s+)(?:(?:bitte|jetzt|und|please|just|and|so|now)\s)*"
    r"(?:give|fix|put|get|send|stop|call|hold|refund|make|answer|reply|replace|bring|tell|do|change|deliver|find|explain"
    r"|sort|gebt|macht|stellt|schickt|lasst|bringt|sorgt|nehmt|ändert|behebt|antwortet|liefert|tauscht|holt|lernt|hört"
    r"|tut|\w+en sie)\b",
    re.IGNORECASE,
)
_SHOUTED = re.compile(r"\b[A-ZÄÖÜ]{3,}\b")
_QUOTES = re.compile('["„“”»«]')
_MOST_MARKS = 4
#: What a text is about, or whom it speaks to, counts beside others alone: by itself it tells our phrases from texts of
#: strangers.
_NEVER_ALONE = ("thing", "address", "elsewhere", _DENIAL)


class Cues:
    """The lists, read when first asked."""

    def rows(self, texts: Sequence[str]) -> Matrix:
        """Return one row a text."""
        return np.array([self._row(text) for text in texts], dtype=np.float32)

    def said(self, text: str) -> Counter[str]:
        """Return how often each kind of saying is found."""
        tokens = _TOKEN.findall(text.lower().replace("’", "'"))
        found: Counter[str] = Counter()
        for start in range(len(tokens)):
            denied = any(
                _DENIAL in self._kinds.get(token, ()) for token in tokens[max(0, start - _DENIAL_REACHES) : start]
            )
            kinds = {kind for key in _keys(tokens, start) for kind in self._kinds.get(key, ())}
            found.update({_WHEN_DENIED.get(kind, kind) if denied else kind for kind in kinds})
        return found

    @cached_property
    def _kinds(self) -> Mapping[str, Sequence[str]]:
        kinds: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(LEXICON.glob("*.yaml")):
            for kind, entries in read_yaml(path).items():
                for entry in entries:
                    kinds[_key(entry)].append(kind)
        return kinds

    @cached_property
    def _alone(self) -> Sequence[str]:
        return sorted({kind for kinds in self._kinds.values() for kind in kinds} - set(_NEVER_ALONE))

    def _row(self, text: str) -> list[float]:
        said = self.said(text)
        return [*(float(np.log1p(said[kind])) for kind in self._alone), *_pairs(said), *_marks(text)]


def _key(entry: str) -> str:
    tokens = _TOKEN.findall(entry.removesuffix(_ANY).lower())
    return " ".join(tokens) + (_ANY if entry.endswith(_ANY) else "")


def _keys(tokens: Sequence[str], start: int) -> Iterator[str]:
    """Yield each entry that could begin here: some tokens, the last of them whole or cut off by a star."""
    head = ""
    for token in tokens[start : start + _LONGEST]:
        yield head + token
        yield from (f"{head}{token[:end]}{_ANY}" for end in range(1, len(token) + 1))
        head += token + " "


def _pairs(said: Mapping[str, int]) -> list[float]:
    """Return what two kinds tell together: praise beside a fault is irony or fairness, blame alone is neither."""
    praised = said["praise"] > 0 or said["rapture"] > 0
    wrong = said["blame"] > 0 or said["fault"] > 0 or said["scorn"] > 0
    together = [
        praised and wrong,
        praised and not wrong,
        wrong and not praised,
        wrong and said["thanks"] > 0,
        wrong and said["irony"] > 0,
        said["fault"] > 0 and said["address"] > 0,
        said["fault"] > 0 and said["thing"] > 0,
        said["elsewhere"] > 0 and not (said["trade"] or said["thing"]),
    ]
    return [float(each) for each in together]


def _marks(text: str) -> list[float]:
    counted = (text.count("?"), text.count("!"), len(_SHOUTED.findall(text)), len(_QUOTES.findall(text)) / 2)
    return [*(float(min(_MOST_MARKS, each)) for each in counted), float(_ORDER.search(text) is not None)]

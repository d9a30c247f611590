"""Which translator reads the events of which source."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from gateway.sources import SourceRules, Sources
from gateway.translate import Translator
from gateway.vocabulary import FURTHER, PACK, FurtherPack, Vocabulary, VocabularyPack, load_further
from kit.packs import PackError, load

# Shorter numbers are nobody's; longer ones fit no database's counter.
_DIGITS = re.compile(r"digits-(9|1[0-9])")


class Translators:
    """One for every combination of packs and shapes of ids that some source uses, made when the door starts."""

    def __init__(
        self,
        sources: Sources,
        first: Path = PACK,
        folder: Path = FURTHER,
        passed: Callable[[str], None] | None = None,
    ) -> None:
        """Read and merge the packs; raises PackError naming the pack or setting that is wrong.

        `passed` is told items that the filter let pass.
        """
        self._passed = passed
        self.sources = sources
        self._first = load(first, VocabularyPack)
        self._further = load_further(folder)
        self._vocabularies: dict[tuple[str, ...], Vocabulary] = {}
        self._made: dict[tuple[tuple[str, ...], tuple[str, ...]], Translator] = {}
        for rules in sources.every:
            self._make(rules)
        self.of = cache(self._of)

    @property
    def version(self) -> str:
        """Ids and versions of all packs that may have been used."""
        used = {name for names in self._vocabularies for name in names}
        return Vocabulary(self._first, [self._further[name] for name in sorted(used)]).version

    def vocabulary_of(self, source: str) -> Vocabulary:
        """Return what a source may tell, also of one that has no credential."""
        return self._vocabularies[self._names(self.sources.rules(source))]

    def own_ids(self, source: str) -> list[int]:
        """Return the lengths at which digits alone are an item of a source."""
        return sorted(map(_length, self.sources.rules(source).item_ids or ()))

    def _of(self, source: str) -> Translator:
        """Return the translator of a source that has a credential: there are few."""
        rules = self.sources.rules(source)
        return self._made[self._names(rules), rules.item_ids or ()]

    def _make(self, rules: SourceRules) -> None:
        names, shapes = self._names(rules), rules.item_ids or ()
        if names not in self._vocabularies:
            self._vocabularies[names] = Vocabulary(self._first, [self._pack(name) for name in names])
        if (names, shapes) not in self._made:
            self._made[names, shapes] = Translator(
                self._vocabularies[names], frozenset(map(_length, shapes)), passed=self._passed
            )

    def _names(self, rules: SourceRules) -> tuple[str, ...]:
        return tuple(self._further) if rules.vocabularies is None else rules.vocabularies

    def _pack(self, name: str) -> FurtherPack:
        if name not in self._further:
            raise PackError(f"vocabularies: there is no pack {name}, but {', '.join(self._further)}")
        return self._further[name]


def _length(shape: str) -> int:
    told = _DIGITS.fullmatch(shape)
    if told is None:
        raise PackError(f"item_ids: there is no shape {shape}, but digits-9 to digits-19")
    return int(told[1])

"""The phrases that texts are judged by: `corpus/<language>-<register>.tsv`, a stance and a text a line."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, get_args

from kit.errors import Status, TypedError
from relationships.pack import Stance

CORPUS = Path(__file__).parent / "corpus"
NONE = "none"
#: The order of a model's columns.
STANCES: tuple[str, ...] = (*get_args(Stance), NONE)


class CorpusError(TypedError):
    """A line of the corpus cannot be used: names the file and the line."""

    reason = "CORPUS_UNUSABLE"
    status = Status.INVALID


class Phrase(NamedTuple):
    """One text of the corpus, and the kind of place where people write so."""

    lang: str
    register: str
    stance: str
    text: str


def read_corpus(folder: Path = CORPUS) -> list[Phrase]:
    """Return all phrases in a fixed order."""
    return [phrase for path in sorted(folder.glob("*.tsv")) for phrase in _phrases(path)]


def _phrases(path: Path) -> Iterable[Phrase]:
    lang, register = path.stem.split("-", 1)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        stance, _, text = line.partition("\t")
        if stance not in STANCES or not text:
            raise CorpusError(f"{path}:{number}: expected one of {', '.join(STANCES)}, a tab and a text")
        yield Phrase(lang, register, stance, text)

"""Texts that people wrote in earnest: which they are and what was read in them is kept here, the texts are not.

`real/README.md` says where each file comes from. A file that is not at hand is left out.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from relationships.corpus import CorpusError, Phrase

LABELS = Path(__file__).parent / "real" / "labels.tsv"
_REVIEW = re.compile(r"^> (.*?)<br> :date:", re.MULTILINE)
#: The column of the text in a table of rated snippets.
_SNIPPET = 2
#: A model is fitted to these, and judged by the others.
LEARN, JUDGE = "learn", "judge"


class Labelled(NamedTuple):
    """One line of the labels: the part, and which record of which file was read as what."""

    part: str
    lang: str
    file: str
    record: int
    stance: str


def read_labels(labels: Path = LABELS) -> list[Labelled]:
    """Return all labels in the order of the file."""
    rows = (line.split("\t") for line in labels.read_text(encoding="utf-8").splitlines())
    return [Labelled(part, lang, file, int(record), stance) for part, lang, file, record, stance in rows]


def at_hand(folder: Path, labels: Iterable[Labelled]) -> list[Labelled]:
    """Return the labels whose files lie in a folder."""
    return [row for row in labels if (folder / row.file).exists()]


def digest_of_labels(labels: Iterable[Labelled]) -> str:
    """Return what changes when a model would learn from other labels."""
    learnt = ["\t".join(map(str, row)) for row in labels if row.part == LEARN]
    return sha256("\n".join(learnt).encode()).hexdigest()[:16]


def read_real(folder: Path, labels: Iterable[Labelled]) -> dict[str, list[Phrase]]:
    """Return by part the texts of labels whose files are at hand; a source is a register, whatever its form."""
    parts: dict[str, list[Phrase]] = defaultdict(list)
    rows = at_hand(folder, labels)
    texts = {file: _texts(folder / file) for file in dict.fromkeys(row.file for row in rows)}
    for row in rows:
        path = folder / row.file
        parts[row.part].append(Phrase(row.lang, path.stem, row.stance, _named(texts[row.file], row.record, path)))
    return dict(parts)


def _texts(path: Path) -> dict[int, str]:
    content = path.read_text(encoding="latin-1" if path.suffix == ".txt" else "utf-8")
    match path.suffix:
        case ".md":
            return dict(enumerate(_REVIEW.findall(content), 1))
        case ".csv":
            return {int(row[""]): row["review"] for row in csv.DictReader(StringIO(content))}
        case ".tsv":
            return {int(record): text for record, _, text in (line.partition("\t") for line in content.splitlines())}
        case _:
            return dict(_snippets(content.splitlines()))


def _snippets(lines: Iterable[str]) -> Iterable[tuple[int, str]]:
    return ((number, line.split("\t")[_SNIPPET]) for number, line in enumerate(lines, 1))


def _named(texts: dict[int, str], record: int, path: Path) -> str:
    if record not in texts:
        raise CorpusError(f"{path} has no record {record}: it is another version than the one that was labelled")
    return texts[record]

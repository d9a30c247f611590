"""Texts that people wrote in earnest: which they are and what was read in them is kept here, the texts are not.

`real/README.md` says where each file comes from. A file that is not at hand is left out.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from relationships.corpus import CorpusError, Phrase

LABELS = Path(__file__).parent / "real" / "labels.tsv"
_REVIEW = re.compile(r"^> (.*?)<br> :date:", re.MULTILINE)
#: The column of the text in a table of rated snippets.
_SNIPPET = 2


def read_real(folder: Path, labels: Path = LABELS) -> dict[str, list[Phrase]]:
    """Return by part, `dev` or `test`, the labelled texts of the files in a folder; the file is the register."""
    parts: dict[str, list[Phrase]] = defaultdict(list)
    for file, rows in _by_file(labels).items():
        path = folder / file
        if path.exists():
            texts = _texts(path)
            for part, lang, record, label in rows:
                parts[part].append(Phrase(lang, file, label, _named(texts, record, path)))
    return dict(parts)


def _by_file(labels: Path) -> dict[str, list[tuple[str, str, int, str]]]:
    files: dict[str, list[tuple[str, str, int, str]]] = defaultdict(list)
    for line in labels.read_text(encoding="utf-8").splitlines():
        part, lang, file, record, label = line.split("\t")
        files[file].append((part, lang, int(record), label))
    return files


def _texts(path: Path) -> dict[int, str]:
    content = path.read_text(encoding="latin-1" if path.suffix == ".txt" else "utf-8")
    match path.suffix:
        case ".md":
            return dict(enumerate(_REVIEW.findall(content), 1))
        case ".csv":
            return {int(row[""]): row["review"] for row in csv.DictReader(StringIO(content))}
        case _:
            return dict(_snippets(content.splitlines()))


def _snippets(lines: Iterable[str]) -> Iterable[tuple[int, str]]:
    return ((number, line.split("\t")[_SNIPPET]) for number, line in enumerate(lines, 1))


def _named(texts: dict[int, str], record: int, path: Path) -> str:
    if record not in texts:
        raise CorpusError(f"{path} has no record {record}: it is another version than the one that was labelled")
    return texts[record]

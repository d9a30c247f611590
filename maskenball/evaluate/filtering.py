"""How much of the labelled identifiers the doors' filter finds, and how often it hits where there is nothing."""

from collections import Counter
from pathlib import Path
from typing import Any

from kit.filtering import hits_in
from maskenball.evaluate.kinds import has_shape
from maskenball.evaluate.texts import read_texts


def evaluate(path: Path) -> dict[str, Any]:
    """Return recall over spans whose kind has a shape, and how many of 1,000 texts without any span are hit."""
    found: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    without, hit_without = 0, 0
    for text, spans in read_texts(path):
        hits = hits_in(text)
        if not spans:
            without += 1
            hit_without += bool(hits)
        for span in spans:
            seen[span.kind] += 1
            found[span.kind] += any(hit.start < span.end and hit.end > span.start for hit in hits)
    counted = [kind for kind in seen if has_shape(kind)]
    return {
        "recall": _share(sum(found[kind] for kind in counted), sum(seen[kind] for kind in counted)),
        "false_hits_per_1000": _share(1000 * hit_without, without),
        "by_kind": {
            kind: {
                "spans": seen[kind],
                "found": found[kind],
                "recall": _share(found[kind], seen[kind]),
                "counted": has_shape(kind),
            }
            for kind in sorted(seen)
        },
        "spans": sum(seen[kind] for kind in counted),
        "texts_without_spans": without,
        "false_hits": hit_without,
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None

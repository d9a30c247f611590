"""What a persona answered: of several alternatives, described by numbers, one was chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Places = NDArray[np.int64]


class Answer(NamedTuple):
    """A question, one row of attributes an alternative, and the place of the alternative that was chosen."""

    question: Floats
    chosen: int


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one persona below each other, so that a step looks at all of them at once."""

    rows: Floats
    #: Where the alternatives of each answer begin, and to which answer each row belongs.
    begins: Places
    answer_of: Places
    #: The rows that were chosen, summed: all that the slope needs of them.
    chosen: Floats

    @property
    def width(self) -> int:
        """How many attributes there are."""
        return int(self.rows.shape[1])


def stack(answers: Sequence[Answer], width: int) -> Answers:
    """Return answers stacked; questions may differ in how many alternatives they have."""
    if not answers:
        nothing = np.zeros(0, dtype=np.int64)
        return Answers(np.zeros((0, width)), nothing, nothing, np.zeros(width))
    sizes = [len(each.question) for each in answers]
    return Answers(
        rows=np.concatenate([each.question for each in answers]),
        begins=np.cumsum([0, *sizes[:-1]]),
        answer_of=np.repeat(np.arange(len(sizes)), sizes),
        chosen=np.sum([each.question[each.chosen] for each in answers], axis=0),
    )

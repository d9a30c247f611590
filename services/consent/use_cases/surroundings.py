"""What the use cases need from outside."""

from collections.abc import Callable
from dataclasses import dataclass, field

from kit.fence import Marks, NoMarks
from services.consent.notices import Notice
from services.consent.purposes import Purposes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The packs, a clock in milliseconds, and ids of 32 hexadecimal characters."""

    purposes: Purposes
    notice: Notice
    now_ms: Callable[[], int]
    new_id: Callable[[], str]
    #: How far each shard was acknowledged: a database that is behind has lost what may be read.
    marks: Marks = field(default_factory=NoMarks)

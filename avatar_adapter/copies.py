"""What a door keeps of visitors it met a moment ago: true while the fence and all hints say so, and in memory only.

Three tell when a copy is of before: the fence, what is no longer allowed; the profile service, whose facet has changed;
another door, with whom the visitor went on and whom an avatar may remember differently since.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from avatar_adapter.again import Encoded, Form
from contracts.avatar.v1 import avatar_pb2 as pb
from kit.fence import Familiar, FencedCache, Known, Scope


class Who(NamedTuple):
    """Who is met, by whom, in which language."""

    brand: str
    audience: str
    eid: bytes
    avatar: str
    language: str


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """An answer to Open that may be given again, and where the fence has it."""

    answer: pb.OpenResponse
    scope: Scope
    name: bytes
    holds_until_ms: int
    #: Given again, it is encoded once for each.
    forms: dict[Form, Encoded] = field(default_factory=dict)


#: By persona, under its fence name: who was met.
Fence = FencedCache[Who, Copy]


class Copies:
    """At most `most` copies, about 4 kB each. `name` gives the name of a visitor under which doors tell each other."""

    def __init__(self, fence: Fence, familiar: Familiar[Who, Copy], name: Callable[[Who], bytes]) -> None:
        self._fence = fence
        self._familiar = familiar
        self._name = name

    @property
    def hints(self) -> int:
        """How many hints were heard: to be noted before what is to be kept is asked for."""
        return self._familiar.hints

    def get(self, who: Who, now_ms: int) -> Copy | None:
        """Return the copy that may be used at this moment. To be asked behind `hints`."""
        copy = self._familiar.get(who, now_ms)
        return copy if copy is not None and self.holds(who, copy, now_ms) else None

    def holds(self, who: Who, copy: Copy, now_ms: int) -> bool:
        """Tell whether the fence still allows what a copy says."""
        held = self._fence.get(copy.scope, copy.name)
        return held is not None and held.get(who) is copy and not 0 < copy.holds_until_ms <= now_ms

    def drop(self, who: Who) -> bytes:
        """Drop what is kept of a visitor; return the name under which other doors can."""
        name = self._name(who)
        self._familiar.hint((name,))
        return name

    def hint(self, names: Iterable[bytes]) -> None:
        """Drop what somebody else says is of before."""
        self._familiar.hint(names)

    def keep(self, who: Who, answer: pb.OpenResponse, now_ms: int, hints: int) -> None:
        """Keep an answer that was asked for when there were so many hints, if it may be kept."""
        if not answer.HasField("again"):
            return
        again = answer.again
        copy = Copy(answer, Scope(who.brand, again.shard), again.fence_name, again.holds_until_ms)
        if self._fence.put(copy.scope, copy.name, again.read_at, {who: copy}):
            self._familiar.keep(who, Known((copy.name, self._name(who)), copy, now_ms), hints)

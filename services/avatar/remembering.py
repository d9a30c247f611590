"""What an avatar remembers of a persona across visits: refs, never words."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.avatar.domain import MAX_REMEMBERED
from services.avatar.manners import MAX_RESERVE


@dataclass(frozen=True, slots=True)
class Memory:
    """Newest first. `reserve` grows with each visit in which the avatar had to step back."""

    last_met_at_ms: int = 0
    asked: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one frame adds."""

    asked: str = ""
    tried: str = ""
    dismissed: str = ""
    reserve: int = 0

    def __bool__(self) -> bool:
        return bool(self.asked or self.tried or self.dismissed or self.reserve)


NOTHING = Learnt()


def remember(memory: Memory, learnt: Learnt, now_ms: int) -> Memory:
    return Memory(
        last_met_at_ms=max(memory.last_met_at_ms, now_ms),
        asked=put_first(learnt.asked, memory.asked, MAX_REMEMBERED),
        tried=put_first(learnt.tried, memory.tried, MAX_REMEMBERED),
        dismissed=put_first(learnt.dismissed, memory.dismissed, MAX_REMEMBERED),
        reserve=min(max(memory.reserve + learnt.reserve, 0), MAX_RESERVE),
    )


def put_first(ref: str, refs: Iterable[str], most: int) -> tuple[str, ...]:
    """Return the refs with `ref` in front and nowhere else; as they are when it is empty."""
    if not ref:
        return tuple(refs)
    return (ref, *(each for each in refs if each != ref))[:most]

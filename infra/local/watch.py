"""Keeps members alive: one that died is started again, at once the first time, then with growing patience."""

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.local.members import Member
from kit.servers import ServerStartError

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 10.0
# Who lived this long is taken for healthy again.
_HEALTHY_AFTER_S = 60.0


@dataclass
class Watch:
    """Looks after the members; `log(event, facts)` hears what happened, `clock` counts seconds."""

    members: list[Member]
    log: Callable[..., None]
    clock: Callable[[], float]
    _failures: dict[str, int] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _restarted: dict[str, float] = field(default_factory=dict)

    def look(self) -> bool:
        """One look at every member; True when somebody was started again, under another pid."""
        changed = False
        for member in self.members:
            if member.child.returncode is not None:
                changed = self._tend(member) or changed
        return changed

    def _tend(self, member: Member) -> bool:
        now = self.clock()
        if member.name not in self._due:
            lived_s = now - self._restarted.get(member.name, -_HEALTHY_AFTER_S)
            failures = 0 if lived_s >= _HEALTHY_AFTER_S else self._failures.get(member.name, 0)
            delay = 0.0 if failures == 0 else min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** (failures - 1))
            self._failures[member.name] = failures + 1
            self._due[member.name] = now + delay
            self.log("process.died", name=member.name, exit_status=member.child.returncode, restart_in_s=delay)
        if now < self._due[member.name]:
            return False
        del self._due[member.name]
        return self._start_again(member)

    def _start_again(self, member: Member) -> bool:
        self._restarted[member.name] = self.clock()
        try:
            member.start()
        except ServerStartError as error:
            self.log("process.restart_failed", name=member.name, reason=str(error))
            return False
        self.log("process.restarted", name=member.name, pid=member.child.pid)
        return True

import signal

import pytest

from infra.local.watch import Watch
from kit.servers import ServerStartError


class DeadOrAlive:
    def __init__(self):
        self.pid = 1
        self.returncode = None


class FakeMember:
    def __init__(self, name="folder", fails=0):
        self.name = name
        self.child = DeadOrAlive()
        self.starts = 0
        self._fails = fails

    def start(self):
        if self._fails:
            self._fails -= 1
            raise ServerStartError("the disk is full")
        self.starts += 1
        self.child = DeadOrAlive()

    def die(self):
        self.child.returncode = -signal.SIGKILL


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def events():
    return []


def watch_over(member, clock, events):
    return Watch([member], lambda event, **facts: events.append((event, facts)), clock)


class TestWatch:
    def test_who_lives_is_left_alone(self, clock, events):
        member = FakeMember()
        assert not watch_over(member, clock, events).look()
        assert (member.starts, events) == (0, [])

    def test_the_first_death_is_answered_at_once_and_said(self, clock, events):
        member = FakeMember()
        watch = watch_over(member, clock, events)
        member.die()
        assert watch.look()
        assert [event for event, _ in events] == ["process.died", "process.restarted"]
        assert events[0][1]["exit_status"] == -signal.SIGKILL

    def test_deaths_in_a_row_are_answered_with_growing_patience(self, clock, events):
        member = FakeMember()
        watch = watch_over(member, clock, events)
        for _ in range(9):
            member.die()
            while not watch.look():
                clock.now += 0.1
        delays = [facts["restart_in_s"] for event, facts in events if event == "process.died"]
        assert delays == [0, 0.5, 1, 2, 4, 8, 10, 10, 10]

    def test_who_lived_for_a_minute_is_trusted_again(self, clock, events):
        member = FakeMember()
        watch = watch_over(member, clock, events)
        member.die()
        watch.look()
        clock.now += 60
        member.die()
        assert watch.look()

    def test_a_start_that_fails_is_said_and_tried_again(self, clock, events):
        member = FakeMember(fails=1)
        watch = watch_over(member, clock, events)
        member.die()
        assert not watch.look()
        while not watch.look():
            clock.now += 0.1
        assert [event for event, _ in events] == [
            "process.died",
            "process.restart_failed",
            "process.died",
            "process.restarted",
        ]
        assert member.starts == 1

import random

import pytest

from bench.fence.faults import Faults
from bench.fence.table import Count
from bench.fence.world import Shape, World, wait_for
from kit.servers import wait_until

START_S = 60


def small(**shape):
    # Where network namespaces may not be made, a process between is stopped instead; the small run needs no root.
    return Shape(**{"keys": 12, "readers": 2, "calm_s": 0.2, "term_s": 0.5, "uses_namespaces": False, **shape})


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    with World(folder, small()) as entered:
        entered.start_writers()
        wait_for(entered, START_S)
        yield entered


class TestRealProcesses:
    def test_nothing_stale_is_read_while_they_are_stopped_killed_cut_off_and_restored(self, world):
        faults = Faults(world, random.Random(3), every_s=0.3)
        world.back_up()
        faults.run(3)
        faults.kill_postgres()
        assert world.restore()
        world.await_new_statements(START_S)
        counts = world.counts()
        assert counts[Count.STALE] == 0, world.complaints()
        assert counts[Count.CHECKED] > 10_000
        assert counts[Count.ALLOWED] > counts[Count.CHECKED] / 10
        assert sum(faults.seen.values()) > 3

    def test_the_judge_finds_caches_without_a_fence_out(self, world):
        readers = [world.add_reader(kind) for kind in ("aging", "watching")]
        assert wait_until(world.is_read_from_memory, timeout_s=START_S), world.complaints()
        for reader in readers:
            reader.link.cut()
        world.await_new_statements(START_S)
        assert wait_until(lambda: all(seen(world, each)[Count.STALE] for each in readers), timeout_s=START_S)


def seen(world, reader):
    return world.table.counts(reader.slot)

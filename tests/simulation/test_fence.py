import pytest

from tests.simulation.variants import VARIANTS
from tests.simulation.world import run


class TestTheFence:
    @pytest.mark.parametrize("seed", [0, 5])
    def test_answers_nothing_from_a_cache_that_was_changed_and_acknowledged(self, seed):
        seen = run(seed, seconds=20)
        assert (seen.stale, seen.late) == ([], [])
        assert seen.cached > 1_000
        assert seen.acknowledged > 20

    def test_the_same_seed_gives_the_same_run(self):
        assert run(7, seconds=5) == run(7, seconds=5)


class TestBrokenRules:
    @pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
    def test_each_is_found_out(self, variant):
        assert any(run(seed, variant).stale for seed in range(variant.seed, variant.seed + 30))

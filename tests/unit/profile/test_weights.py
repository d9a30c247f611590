import pytest

from services.profile.domain import Kind
from services.profile.weights import PACK, PackIncompleteError, load_weights


class TestPack:
    def test_every_kind_has_a_weight_between_minus_one_and_one(self):
        weights = load_weights()
        assert len(weights) == len(Kind) + 1
        assert all(-1 <= each.weight <= 1 and 0 <= each.wish <= 1 for each in weights)

    def test_a_value_scales_from_worst_to_best_and_no_further(self):
        rated = load_weights()[Kind.RATED]
        assert [rated.of(value) for value in (None, -3.0, 0.0, 0.5, 1.0, 7.0)] == [0, -1, -1, 0, 1, 1]

    def test_a_kind_left_out_is_named(self, tmp_path):
        pack = tmp_path / "traits.yaml"
        pack.write_text(PACK.read_text().replace("  loyalty: {weight: 0.3}\n", ""))
        with pytest.raises(PackIncompleteError, match="loyalty"):
            load_weights(pack)

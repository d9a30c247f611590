"""What leaves a door of a text: a few small numbers, which stand for what it said and for no text."""

from hypothesis import given
from hypothesis import strategies as st

from relationships.corpus import STANCES
from relationships.evidence import evidence, is_sound, told
from relationships.judging import Judge
from relationships.model import load_model
from relationships.state import MOST_RATIO

RATIOS = st.lists(st.floats(-20, 20), min_size=5, max_size=5)


class TestTold:
    @given(RATIOS)
    def test_what_is_told_is_sound_and_coarse(self, ratios):
        stances = told(ratios)
        assert is_sound(stances)
        kept = dict(evidence(1, b"m", stances).ratios)
        for name, ratio in zip(STANCES, ratios, strict=False):
            assert abs(kept[name] - max(-MOST_RATIO, min(MOST_RATIO, ratio))) <= 0.25

    def test_what_no_door_says_is_unsound(self):
        assert is_sound(())
        assert not is_sound((0, 0, 0, 0))
        assert not is_sound((0, 0, 0, 0, 9))


class TestJudge:
    def test_each_text_becomes_evidence(self):
        texts = ["Ich liebe diese Marke, ihr seid die Besten!", "Der Zug fährt um neun."]
        fan, neutral = Judge(load_model()).judge(texts)
        assert STANCES[max(range(5), key=fan.__getitem__)] == "fan"
        assert max(neutral) < max(fan)
        assert is_sound(fan)

    def test_no_text_is_no_evidence(self):
        assert Judge(load_model()).judge([]) == []

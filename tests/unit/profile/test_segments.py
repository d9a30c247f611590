import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.interaction.v1.payload import Interaction
from gateway.vocabulary import load_vocabulary
from kit.packs import PackError
from services.profile.decay import DAY_MS, SLOW_MS
from services.profile.domain import Kind
from services.profile.segments import MOST_SEGMENTS, Segment, load_segments, may_tell, memberships
from services.profile.traits import Traits, absorb
from services.profile.weights import PACK, load_weights
from tests.unit.profile.test_views import NOW, did, traits_of

WEIGHTS = load_weights()
EXAMPLE = PACK.with_name("wish_segments.yaml")
SEGMENTS = {
    "a-lovers": Segment(("a",), 0.5, 30),
    "a-or-b": Segment(("a", "b"), 1.2, 400),
    "lately-c": Segment(("c",), 0.1, 0.5),
}
_NAMES = st.sampled_from(("a", "b", "c", "d"))


@st.composite
def steps(draw):
    """Moments in order, with what happened then or somewhat earlier; or a day ahead, as clocks of sources may be."""
    now, told = NOW, []
    for _ in range(draw(st.integers(1, 25))):
        now += draw(st.sampled_from((0, 1, 1000, DAY_MS, 20 * DAY_MS, 100 * DAY_MS)))
        kind, item = draw(st.integers(1, 19)), draw(st.none() | _NAMES)
        topics = draw(st.lists(_NAMES, max_size=2, unique=True).map(tuple))
        value = draw(st.sampled_from((None, 0.0, 0.5, 1.0)))
        at = now + draw(st.sampled_from((0, -1, -DAY_MS, -SLOW_MS, DAY_MS)))
        event = Interaction("app:shop", bytes(16), len(told).to_bytes(16), kind, at, "web", item, topics, value)
        told.append((now, event))
    return told


class Timers:
    """Who is a member until when, as rows would have it."""

    def __init__(self):
        self.ends = {}

    def pass_by(self, now):
        self.ends = {name: end for name, end in self.ends.items() if end > now}

    def decide(self, traits, now):
        self.ends = memberships(SEGMENTS, traits, now)


def anew(traits, now):
    return set(memberships(SEGMENTS, traits, now))


class TestMemberships:
    @settings(max_examples=60)
    @given(history=steps(), looks=st.lists(st.integers(0, 500 * DAY_MS), max_size=5))
    def test_timers_say_what_looking_anew_would_at_any_moment(self, history, looks):
        traits, timers = Traits(), Timers()
        for place, (now, event) in enumerate(history):
            timers.pass_by(now)
            absorb(traits, [event], WEIGHTS)
            if may_tell([event], WEIGHTS):
                timers.decide(traits, now)
            until = history[place + 1][0] if place + 1 < len(history) else now + 500 * DAY_MS
            ends = [moment for end in timers.ends.values() for moment in (end - 1, end)]
            for moment in sorted({now, *ends, *(now + look for look in looks)}):
                if now <= moment < until or moment == now:
                    timers.pass_by(moment)
                    assert set(timers.ends) == anew(traits, moment)

    def test_strength_or_age_ends_it_whichever_is_first(self):
        weak = Segment(("tea",), 0.5, 3000)
        old = Segment(("tea",), 0.01, 30)
        traits = traits_of(did(Kind.WISHED, "pot", "tea"))
        assert memberships({"weak": weak, "old": old}, traits, NOW) == {
            "weak": NOW + SLOW_MS + 1,
            "old": NOW + 30 * DAY_MS + 1,
        }

    def test_evidence_of_topics_adds_up_and_an_item_is_a_topic_of_its_own(self):
        both = {"both": Segment(("pot", "green"), 1.5, 30)}
        history = [did(Kind.WISHED, "pot", "kitchen"), did(Kind.WISHED, "leaf", "green")]
        assert memberships(both, traits_of(*history[:1]), NOW) == {}
        assert memberships(both, traits_of(*history), NOW).keys() == {"both"}

    def test_evidence_of_two_topics_counts_once(self):
        segment = {"s": Segment(("tea", "kitchen"), 1.5, 30)}
        assert memberships(segment, traits_of(did(Kind.WISHED, "pot", "tea", "kitchen")), NOW) == {}

    def test_what_was_bought_or_taken_back_is_not_wished(self):
        segment = {"s": Segment(("tea",), 0.5, 30)}
        wish = did(Kind.WISHED, "pot", "tea", days_ago=1)
        assert memberships(segment, traits_of(wish, did(Kind.BOUGHT, "pot")), NOW) == {}
        assert memberships(segment, traits_of(wish, did(Kind.CORRECTED, None, "tea", value=0.0)), NOW) == {}

    def test_most_interactions_cannot_tell(self):
        assert not may_tell([did(Kind.SEEN, "pot"), did(Kind.RATED, "pot", value=1.0)], WEIGHTS)
        assert may_tell([did(Kind.SEEN, "pot"), did(Kind.ASKED, "pot")], WEIGHTS)


class TestPack:
    def pack(self, tmp_path, **facts):
        path = tmp_path / f"{os.urandom(4).hex()}.yaml"
        told = {"topics": "[tea]", "least_strength": "1", "newest_within_days": "30", **facts}
        lines = "".join(f"    {name}: {value}\n" for name, value in told.items() if value is not None)
        path.write_text(f"id: s\nversion: '1'\ntold_from: 50\nsegments:\n  tea-lovers:\n{lines}")
        return path

    def test_the_example_is_one(self):
        assert set(load_segments(EXAMPLE).segments) == {"tea-time", "about-to-travel"}

    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ({"topics": "[]"}, r"length >= 1.*segments\[\.\.\.\]\.topics"),
            ({"topics": "['']"}, r"length >= 1.*topics\[0\]"),
            ({"least_strength": "0"}, r"> 0.*least_strength"),
            ({"least_strength": None}, "least_strength"),
            ({"newest_within_days": "4000"}, r"<= 3650.*newest_within_days"),
            ({"newest_within": "4"}, "newest_within"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_limit(self, tmp_path, facts, said):
        with pytest.raises(PackError, match=said):
            load_segments(self.pack(tmp_path, **facts))

    def test_names_and_their_number_are_bounded(self, tmp_path):
        path = self.pack(tmp_path)
        path.write_text(path.read_text().replace("tea-lovers", "Tea lovers"))
        with pytest.raises(PackError, match="1 to 64 characters"):
            load_segments(path)
        segment = "{topics: [tea], least_strength: 1, newest_within_days: 1}"
        many = "".join(f"  s{number}: {segment}\n" for number in range(MOST_SEGMENTS + 1))
        more = tmp_path / "more.yaml"
        more.write_text(f"id: s\nversion: '1'\ntold_from: 50\nsegments:\n{many}")
        with pytest.raises(PackError, match=f"at most {MOST_SEGMENTS}"):
            load_segments(more)


class TestExample:
    def test_asks_for_topics_that_doors_tell(self):
        doors = load_vocabulary()
        for segment in load_segments(EXAMPLE).segments.values():
            assert all(doors.topics([topic]) == (topic,) for topic in segment.topics)

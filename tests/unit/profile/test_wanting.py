import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.choices import Choices
from services.profile.decay import SLOW_MS
from services.profile.domain import Kind
from services.profile.person import wished
from services.profile.traits import MAX_WISHES, merge
from services.profile.wanting import standing, strength_of, wants
from tests.unit.profile.interactions import HISTORIES
from tests.unit.profile.test_views import NOW, did, traits_of


class TestWants:
    def test_a_wish_has_evidence_strength_and_age(self):
        [want] = wants(traits_of(did(Kind.WISHED, "pot", days_ago=180), did(Kind.ASKED, "pot", days_ago=1)), NOW)
        assert want.ref == "pot"
        assert [kind for kind, _ in want.evidence] == ["asked", "wished"]
        assert dict(want.evidence) == pytest.approx({"wished": 0.5, "asked": 0.6}, abs=0.01)
        assert want.strength == pytest.approx(1.1, abs=0.01)
        assert want.newest_at == NOW - 86_400_000

    def test_a_strength_halves_in_half_a_year(self):
        pieces = standing(traits_of(did(Kind.WISHED, "pot")))
        assert strength_of(pieces, NOW + SLOW_MS) == pytest.approx(0.5)

    def test_the_strongest_comes_first(self):
        history = [did(Kind.SEARCHED, "cup"), did(Kind.WISHED, "pot"), did(Kind.TRIED, "tea")]
        assert [want.ref for want in wants(traits_of(*history), NOW)] == ["pot", "cup", "tea"]

    def test_a_wish_that_came_true_has_ended_however_much_was_seen_since(self):
        seen_since = [did(Kind.SEEN, f"item{number}") for number in range(300)]
        traits = traits_of(did(Kind.WISHED, "pot", days_ago=2), did(Kind.BOUGHT, "pot", days_ago=1), *seen_since)
        assert standing(traits) == []

    def test_an_end_is_not_dropped_before_what_it_ends(self):
        others = [did(Kind.WISHED, f"item{number}") for number in range(MAX_WISHES - 1)]
        traits = traits_of(did(Kind.WISHED, "pot", days_ago=2), did(Kind.BOUGHT, "pot", days_ago=1), *others)
        assert "pot" not in {each.ref for each in standing(traits)}

    def test_the_topics_of_an_item_are_kept_with_its_evidence(self):
        [piece] = standing(traits_of(did(Kind.WISHED, "pot", "kitchen", "tea")))
        assert (piece.ref, piece.topics) == ("pot", ("kitchen", "tea"))

    @given(history=HISTORIES, later=st.integers(0, 10 * SLOW_MS))
    def test_time_alone_never_makes_a_wish_stronger(self, history, later):
        pieces = standing(traits_of(*history))
        assert strength_of(pieces, NOW + later) <= strength_of(pieces, NOW)

    @given(history=HISTORIES, cut=st.integers(0, 40))
    def test_it_is_the_same_however_the_history_was_split(self, history, cut):
        whole = traits_of(*history)
        assert wants(merge(traits_of(*history[cut:]), traits_of(*history[:cut])), NOW) == wants(whole, NOW)


class TestShown:
    def test_a_person_is_shown_all_of_it_and_what_they_object_to(self):
        traits = traits_of(*(did(Kind.WISHED, f"item{number}") for number in range(9)))
        shown = wished(traits, Choices(objections=("wishes",)), NOW)
        assert len(shown) == 9
        assert (shown[0].ref, shown[0].strength, shown[0].newest_at_ms) == ("item0", 1.0, NOW)
        assert (shown[0].evidence, shown[0].is_objected) == ({"wished": 1.0}, True)

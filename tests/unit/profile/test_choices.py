from hypothesis import given
from hypothesis import strategies as st

from services.profile.choices import INFERENCES, Choices, Declaration, Removal, decode, encode, merge
from services.profile.views import View, Wish

_REMOVALS = st.one_of(
    st.builds(Removal, st.just("offer"), st.sampled_from(("a", "b", "c")), st.integers(0, 9)),
    st.builds(Removal, st.sampled_from(("brand", "gifts")), st.just(""), st.integers(0, 9)),
)
CHOICES = st.builds(
    Choices,
    st.lists(_REMOVALS, max_size=5, unique_by=lambda each: (each.what, each.ref)).map(tuple),
    st.lists(st.sampled_from(INFERENCES), unique=True).map(tuple),
    st.none() | st.builds(Declaration, st.sampled_from(("fan", "ruler")), st.just("affection"), st.integers(0, 9)),
)
VIEW = View(("tea",), ("gin",), (Wish("pot", ("wished",)),), 2, (("bought", 1),), ("web",), "evening")


def refs(choices: Choices) -> set[tuple[str, str]]:
    return {(each.what, each.ref) for each in choices.removals}


class TestChoices:
    @given(CHOICES)
    def test_what_is_kept_is_read_again(self, choices: Choices) -> None:
        assert decode(encode(choices)) == choices

    @given(CHOICES, _REMOVALS)
    def test_removing_twice_is_removing_once_and_restoring_undoes_it(self, choices: Choices, new: Removal) -> None:
        once = choices.remove(new.what, new.ref, new.at_ms)
        assert once.remove(new.what, new.ref, new.at_ms + 1) == once
        assert refs(once.restore(new.what, new.ref)) == refs(choices) - {(new.what, new.ref)}

    @given(CHOICES, CHOICES)
    def test_linked_facets_carry_what_any_of_them_carries(self, one: Choices, other: Choices) -> None:
        both = merge([one, other])
        assert refs(both) == refs(one) | refs(other)
        assert set(both.objections) == {*one.objections, *other.objections}

    @given(CHOICES, CHOICES)
    def test_of_linked_facets_the_last_declaration_stands(self, one: Choices, other: Choices) -> None:
        said = [each.declared.at_ms for each in (one, other) if each.declared]
        assert (merge([one, other]).declared or Declaration("", "", -1)).at_ms == max(said, default=-1)
        assert merge([one, other]).declared == merge([other, one]).declared

    @given(CHOICES)
    def test_nothing_objected_to_is_told(self, choices: Choices) -> None:
        told = choices.told(VIEW)
        for name in ("likes", "dislikes", "wishes"):
            assert getattr(told, name) == (() if name in choices.objections else getattr(VIEW, name))
        habits = (told.recency_periods, told.kinds, told.channels, told.day_part)
        assert (habits == (0, (), (), "")) == ("habits" in choices.objections)

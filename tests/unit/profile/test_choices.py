from hypothesis import given
from hypothesis import strategies as st

from services.profile.choices import INFERENCES, Choices, Declaration, Removal, Unwanted, decode, encode, merge
from services.profile.views import Signal, View, Wish

_REMOVALS = st.one_of(
    st.builds(
        Removal,
        st.just("offer"),
        st.sampled_from(("a", "b", "c")),
        st.integers(0, 9),
        st.lists(st.sampled_from(("tea", "gin", "pot", "cup")), max_size=3, unique=True).map(tuple),
    ),
    st.builds(Removal, st.sampled_from(("brand", "gifts")), st.just(""), st.integers(0, 9)),
)
CHOICES = st.builds(
    Choices,
    st.lists(_REMOVALS, max_size=5, unique_by=lambda each: (each.what, each.ref)).map(tuple),
    st.lists(st.sampled_from(INFERENCES), unique=True).map(tuple),
    st.none() | st.builds(Declaration, st.sampled_from(("fan", "ruler")), st.just("affection"), st.integers(0, 9)),
)
VIEW = View(("tea",), ("gin",), (Wish("pot", ("wished",)),), 2, (("bought", 1),), ("web",), "evening")


def unwanted(removal: Removal) -> Unwanted:
    return Unwanted(removal.what, removal.ref, removal.grounds)


def refs(choices: Choices) -> set[tuple[str, str]]:
    return {(each.what, each.ref) for each in choices.removals}


class TestChoices:
    @given(CHOICES)
    def test_what_is_kept_is_read_again(self, choices: Choices) -> None:
        assert decode(encode(choices)) == choices

    @given(CHOICES, _REMOVALS)
    def test_removing_twice_is_removing_once_and_restoring_undoes_it(self, choices: Choices, new: Removal) -> None:
        once = choices.remove(unwanted(new), new.at_ms)
        assert once.remove(unwanted(new), new.at_ms + 1) == once
        assert refs(once.restore(unwanted(new))) == refs(choices) - {(new.what, new.ref)}

    @given(CHOICES, _REMOVALS)
    def test_what_goes_with_a_removal_comes_back_with_it_exactly(self, choices: Choices, new: Removal) -> None:
        before = choices.restore(unwanted(new))
        removed = before.remove(unwanted(new), new.at_ms)
        assert removed.forgone == before.forgone | set(new.grounds)
        assert removed.restore(Unwanted(new.what, new.ref)) == before

    @given(CHOICES, _REMOVALS)
    def test_what_an_offer_takes_along_later_joins_what_it_took_before(self, choices: Choices, new: Removal) -> None:
        alone = choices.remove(Unwanted(new.what, new.ref), new.at_ms)
        assert alone.remove(unwanted(new), new.at_ms).forgone == choices.forgone | set(new.grounds)

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
            known = [each for each in getattr(VIEW, name) if getattr(each, "ref", each) not in choices.forgone]
            assert getattr(told, name) == (() if name in choices.objections else tuple(known))
        habits = (told.recency_periods, told.kinds, told.channels, told.day_part)
        assert (habits == (0, (), (), "")) == ("habits" in choices.objections)

    def test_what_an_offer_rested_on_ranks_no_other_and_is_still_known_as_met(self) -> None:
        choices = Choices().remove(Unwanted("offer", "cup", ("pot", "tea")), 1)
        met = [Signal("pot", 1, 1.0, ("kitchen",)), Signal("can", 2, 0.5, ("tea", "garden"))]
        assert choices.ranked(met) == [Signal("pot", 1, 0.0), Signal("can", 2, 0.5, ("garden",))]
        assert choices.liked(("tea", "garden")) == ("garden",)

    def test_choices_of_before_grounds_are_read(self) -> None:
        old = b"\x93\x91\x93\xa5offer\xa3cup\x07\x90\xc0"
        assert decode(old) == Choices((Removal("offer", "cup", 7),))

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.aggregates import COUNTABLE
from services.profile.views import View, Wish

_WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=6).map(tuple)


@given(likes=_WORDS, dislikes=_WORDS, channels=_WORDS, wishes=_WORDS, counted=st.sampled_from(sorted(COUNTABLE)))
def test_one_persona_adds_to_no_more_keys_than_the_noise_is_made_for(likes, dislikes, channels, wishes, counted):
    told = View(likes, dislikes, tuple(Wish(ref, ()) for ref in wishes), channels=channels)

    assert len(COUNTABLE[counted].keys_of(told)) <= COUNTABLE[counted].keys


@pytest.mark.parametrize(
    ("counted", "keys"),
    [
        ("personas", {"all"}),
        ("likes", {"tea", "noir"}),
        ("dislikes", set()),
        ("wishes", {"kettle"}),
        ("channels", {"web"}),
        ("day_parts", {"evening"}),
        ("recency_periods", {"2"}),
    ],
)
def test_what_is_counted_of_a_view(counted, keys):
    told = View(("noir", "tea"), (), (Wish("kettle", ("asked",)),), 2, (), ("web",), "evening")

    assert COUNTABLE[counted].keys_of(told) == keys

from hypothesis import given
from hypothesis import strategies as st

from services.profile.choices import Choices, Unwanted
from services.profile.offered import ANSWERS, Offered, decode, encode, line, shown

_NOTHING = Choices()
_OFFERED = st.builds(
    Offered,
    st.integers(0, 9),
    st.sampled_from(("tea", "cup")),
    st.just((("liked_topic", "drinks"),)),
    st.sampled_from(("app", "world")),
    st.just(""),
    st.sampled_from(("", *sorted(ANSWERS))),
)


def told(*kept: Offered, chosen: Choices = _NOTHING) -> list[tuple[int, str, str]]:
    return [(each.at_ms, each.item, each.answer) for each in shown("oak", "app:shop", kept, chosen)]


class TestShown:
    def test_says_when_where_by_whom_what_and_why(self) -> None:
        [offer] = shown("oak", "app:shop", [Offered(5, "tea", (("liked_topic", "drinks"),), "app")], Choices())
        assert (offer.at_ms, offer.brand, offer.audience, offer.channel, offer.item) == (
            5, "oak", "app:shop", "app", "tea",
        )  # fmt: skip
        assert [(each.kind, each.ref) for each in offer.because] == [("liked_topic", "drinks")]
        assert (offer.answer, offer.answered_at_ms, offer.is_removed) == ("", 0, False)

    def test_an_answer_is_to_what_was_shown_last_before_it(self) -> None:
        kept = (Offered(1, "tea"), Offered(3, "tea"), Offered(4, "tea", answer="dismissed"), Offered(6, "tea"))
        assert told(*kept) == [(6, "tea", ""), (3, "tea", "dismissed"), (1, "tea", "")]

    def test_of_several_answers_the_last_counts(self) -> None:
        kept = (Offered(1, "tea"), Offered(2, "tea", answer="ignored"), Offered(3, "tea", answer="accepted"))
        assert told(*kept) == [(1, "tea", "accepted")]

    def test_an_answer_may_name_the_decision(self) -> None:
        kept = (Offered(1, "tea", decision="ab"), Offered(2, "cup"), Offered(3, "", decision="ab", answer="accepted"))
        assert told(*kept) == [(2, "cup", ""), (1, "tea", "accepted")]

    def test_a_removal_is_an_answer_to_all_that_was_shown_before(self) -> None:
        chosen = Choices().remove(Unwanted("offer", "tea"), 4)
        kept = (Offered(1, "tea"), Offered(2, "cup"), Offered(5, "tea"))
        assert told(*kept, chosen=chosen) == [(5, "tea", ""), (2, "cup", ""), (1, "tea", "removed")]

    @given(st.lists(_OFFERED))
    def test_a_report_that_comes_twice_changes_nothing(self, kept: list[Offered]) -> None:
        assert told(*kept, *kept) == told(*kept)

    @given(st.lists(_OFFERED, max_size=60))
    def test_is_the_newest_twenty_that_were_made(self, kept: list[Offered]) -> None:
        made = sorted((each.at_ms for each in {*kept} if not each.answer), reverse=True)
        assert [at_ms for at_ms, _, _ in told(*kept)] == made[:20]

    @given(st.lists(_OFFERED))
    def test_what_is_kept_is_read_again(self, kept: list[Offered]) -> None:
        assert decode(encode(kept)) == tuple(kept)

    def test_the_archive_has_each_as_it_was_kept(self) -> None:
        told = line("oak", "app:shop", Offered(5, "tea", (("liked_topic", "drinks"),), "app", "ab", "accepted", 2))
        assert (told.item, told.answer, told.decision, told.times, told.brand) == ("tea", "accepted", "ab", 2, "oak")

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from avatar_adapter.cutting import cut_line, cut_to_bytes, first_fitting

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400)


class TestCutLine:
    def test_a_short_line_stays(self):
        assert cut_line("Good day.", 9) == "Good day."

    def test_a_long_line_ends_at_a_word(self):
        assert cut_line("The brass lantern stands in the window", 25) == "The brass lantern stands…"

    def test_a_line_without_words_is_cut_hard(self):
        assert cut_line("x" * 50, 10) == "x" * 9 + "…"

    @given(texts, st.integers(min_value=2, max_value=200))
    def test_never_longer_than_asked(self, text, characters):
        assert len(cut_line(text, characters)) <= characters


class TestCutToBytes:
    @given(texts, st.integers(min_value=0, max_value=200))
    def test_never_more_than_the_room_inside_a_string(self, text, room):
        assert len(msgspec.json.encode(cut_to_bytes(text, room))) - 2 <= room

    def test_escapes_count_as_what_they_take(self):
        assert cut_to_bytes('"' * 20, 13) == '"' * 5 + "…"


class TestFirstFitting:
    def test_the_fullest_that_fits_wins(self):
        assert first_fitting([{"a": "x" * 50}, {"a": "xx"}, {}], 12) == b'{"a":"xx"}'

    def test_none_when_nothing_fits(self):
        assert first_fitting([{"a": 1}], 3) is None

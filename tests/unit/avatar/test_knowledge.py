import pytest

from services.avatar.domain import Item
from services.avatar.knowledge import Catalogue, hits, words

SHOP = Catalogue(
    [
        Item("50", "Star Wars (1977)"),
        Item("181", "Star Wars Return (1983)"),
        Item("127", "Godfather, The (1972)"),
        Item("187", "Godfather, The: Part II (1974)"),
        Item("999", "It (1990)"),
        Item("m1", "Mühle"),
        Item("c1", "Chair"),
        Item("c2", "Chair"),
    ]
)


class TestFind:
    @pytest.mark.parametrize(
        ("question", "item"),
        [
            ("What does Star Wars cost?", "50"),
            ("what does star wars return cost", "181"),
            ("Where is The Godfather?", "127"),
            ("price of the godfather part ii", "187"),
            ("Was kostet die MÜHLE?", "m1"),
            ("Was kostet die Mu\u0308hle?", "m1"),
            ("50", "50"),
        ],
    )
    def test_the_longest_title_in_the_question_is_meant(self, question, item):
        assert SHOP.find(question).item == item

    @pytest.mark.parametrize(
        "question", ["what does it cost?", "the chair please", "Star, no wars", "", "do you have 50 cents"]
    )
    def test_what_is_not_named_or_not_clear_is_not_guessed(self, question):
        assert SHOP.find(question) is None


class TestHits:
    def test_a_star_stands_for_any_ending(self):
        assert hits(words("Wann ist die Lieferung da?"), ["liefer*"]) == 1
        assert hits(words("Wann ist die Lieferung da?"), ["liefer"]) == 0

    def test_sharp_s_is_found_in_either_spelling(self):
        assert hits(words("Wann schliesst ihr?"), ["schließt"]) == 1

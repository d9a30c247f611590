"""Mining: what was planted is found, what is chance is not, and of few nothing is told."""

import ibis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from relationships.mining import Counts, Mined, count, find
from relationships.mining.counting import counted
from relationships.mining.effects import Pair, chance, cliffs_delta, cohens_d, cohens_h, odds_ratio
from relationships.mining.findings import discovered
from relationships.quantifying import LEAST_CELL

TYPES = ("buyer_seller", "fan", "partner", "ruler")
NORMAL = 1.959964


def counts_of(sizes, **tables):
    """Counts of traits by value (rows) and type (columns)."""
    traits = {name: (np.arange(len(table)), np.array(table)) for name, table in tables.items()}
    return Counts(TYPES[: len(sizes)], traits, np.array(sizes))


def there(sizes, having):
    return [[size - has for size, has in zip(sizes, having, strict=True)], list(having)]


def drawn(chance_of, sizes, nulls, truth=()):
    """Traits at random: `nulls` that do not depend on the type, and planted ones, by their shares in each type."""
    tables = {}
    for number in range(nulls):
        tables[f"null-{number}"] = there(sizes, chance_of.binomial(sizes, chance_of.uniform(0.1, 0.9)))
    for number, shares in enumerate(truth):
        tables[f"true-{number}"] = there(sizes, chance_of.binomial(sizes, shares))
    return counts_of(sizes, **tables)


class TestCount:
    def test_who_has_what_is_counted_and_the_others_have_it_at_0(self):
        counts = count([Mined("fan", {"evening": 1, "bought": 3}), Mined("fan", {"bought": 1}), Mined("ruler", {})])
        assert (counts.types, counts.personas.tolist()) == (("fan", "ruler"), [2, 1])
        values, table = counts.traits["bought"]
        assert (values.tolist(), table.tolist()) == ([0, 1, 3], [[0, 1], [1, 0], [1, 0]])
        assert counts.traits["evening"][1].tolist() == [[1, 1], [1, 0]]

    def test_of_nobody_nothing_is_counted(self):
        counts = count([])
        assert (counts.types, dict(counts.traits), find(counts).found) == ((), {}, ())

    def test_the_same_expression_is_said_to_spark(self):
        facts = ibis.table({"persona": "int64", "trait": "int64", "value": "int64"}, name="facts")
        personas = ibis.table({"persona": "int64", "type": "int64"}, name="personas")
        assert "GROUP BY" in ibis.to_sql(counted(facts, personas), dialect="pyspark")


class TestEffects:
    def test_they_are_what_the_textbook_says(self):
        pair = Pair(np.array([0.0, 1.0]), np.array([30.0, 70.0]), np.array([50.0, 50.0]))
        assert cohens_h(pair, NORMAL).size == pytest.approx(0.4115, abs=1e-4)
        assert odds_ratio(pair, NORMAL).size == pytest.approx(70.5 / 30.5, abs=1e-9)
        spread = Pair(np.arange(4.0), np.array([1.0, 2.0, 3.0, 4.0]), np.array([4.0, 3.0, 2.0, 1.0]))
        assert cohens_d(spread, NORMAL).size == pytest.approx(1.0)
        assert cliffs_delta(spread, NORMAL).size == pytest.approx(0.5)

    @settings(max_examples=30)
    @given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=6))
    def test_chances_are_those_of_mann_and_whitney(self, rows):
        one, other = (
            np.array(column) + np.eye(len(rows), dtype=int)[side] for side, column in enumerate(zip(*rows, strict=True))
        )
        pair = Pair(np.arange(len(rows), dtype=float), one.astype(float), other.astype(float))
        texts = [np.repeat(np.arange(len(rows)), group) for group in (one, other)]
        expected = mannwhitneyu(*texts, method="asymptotic", use_continuity=False).pvalue
        assert chance(pair) == pytest.approx(expected, rel=1e-6)

    def test_intervals_cover_what_is_true(self):
        """95 % of them, to within what 800 draws can tell (99.9 %)."""
        chance_of = np.random.default_rng(11)
        shares, steps = (0.3, 0.45), np.array([[0.5, 0.25, 0.15, 0.1], [0.3, 0.3, 0.2, 0.2]])
        values = np.arange(4.0)
        means, spreads = steps @ values, steps @ values**2 - (steps @ values) ** 2
        pooled = np.sqrt(spreads @ (120, 400) / 520)
        below = np.tril(np.ones((4, 4)), -1)
        truths = {
            cohens_h: 2 * (np.arcsin(np.sqrt(shares[0])) - np.arcsin(np.sqrt(shares[1]))),
            odds_ratio: 0.3 / 0.7 / (0.45 / 0.55),
            cohens_d: (means[0] - means[1]) / pooled,
            cliffs_delta: steps[0] @ below @ steps[1] - steps[1] @ below @ steps[0],
        }
        covered = dict.fromkeys(truths, 0)
        for _ in range(800):
            having = chance_of.binomial((120, 400), shares)
            binary = Pair(
                np.arange(2.0),
                np.array([120 - having[0], having[0]]) * 1.0,
                np.array([400 - having[1], having[1]]) * 1.0,
            )
            ordered = Pair(
                values,
                *(
                    chance_of.multinomial(size, each).astype(float)
                    for size, each in zip((120, 400), steps, strict=True)
                ),
            )
            for effect, truth in truths.items():
                found = effect(binary if effect in (cohens_h, odds_ratio) else ordered, NORMAL)
                covered[effect] += found.least <= truth <= found.most
        assert {effect.__name__: 0.93 <= times / 800 <= 0.97 for effect, times in covered.items()} == {
            effect.__name__: True for effect in truths
        }


class TestDiscovered:
    def test_it_is_the_rule_of_benjamini_and_hochberg(self):
        chances = [0.212, 0.001, 0.041, 0.039, 0.008, 0.042, 0.06, 0.074, 0.205, 0.216]
        assert discovered(chances, 0.05) == [1, 4]
        assert discovered([], 0.05) == []
        assert discovered([1.0, 0.9], 0.05) == []


class TestFind:
    SIZES = (400, 300, 200, 150)
    TRUTH = ((0.3, 0.6, 0.3, 0.3), (0.5, 0.5, 0.2, 0.5), (0.2, 0.2, 0.2, 0.5))

    def test_what_was_planted_is_found_with_its_sign(self):
        found = find(drawn(np.random.default_rng(5), self.SIZES, 40, self.TRUTH)).found
        signs = {(each.type, each.trait): each.effects["cohens_h"].size > 0 for each in found}
        assert {("fan", "true-0"), ("partner", "true-1"), ("ruler", "true-2")} <= signs.keys()
        assert signs["fan", "true-0"]
        assert not signs["partner", "true-1"]

    def test_of_what_is_told_few_are_chance_and_intervals_hold(self):
        """Over 60 towns a twentieth each, to within what so many can tell (three standard errors)."""
        false, missed = [], []
        for seed in range(60):
            found = find(drawn(np.random.default_rng(seed), self.SIZES, 25, self.TRUTH)).found
            false.append(np.mean([each.trait.startswith("null") for each in found]))
            missed.append(np.mean([not self.covers(each) for each in found]))
        for shares in (false, missed):
            assert np.mean(shares) <= 0.05 + 3 * np.std(shares) / np.sqrt(60)

    def test_where_nothing_goes_together_nearly_nothing_is_told(self):
        told = [bool(find(drawn(np.random.default_rng(seed), self.SIZES, 15)).found) for seed in range(100)]
        # A twentieth is 5 of 100; 99.9 % of such draws have at most 13.
        assert sum(told) <= 13

    def covers(self, each):
        sizes, place = np.array(self.SIZES), TYPES.index(each.type)
        of = np.array((0.5,) * 4 if each.trait.startswith("null") else self.TRUTH[int(each.trait[-1])])
        others = np.delete(of, place) @ np.delete(sizes, place) / np.delete(sizes, place).sum()
        truth, figure = 2 * np.diff(np.arcsin(np.sqrt([others, of[place]])))[0], each.effects["cohens_h"]
        # Figures are told in hundredths.
        return figure.least - 0.005 <= truth <= figure.most + 0.005

    def test_what_there_is_more_or_less_of_is_told_by_rank_and_mean(self):
        steps = [[20, 60], [40, 60], [60, 40], [80, 40]]
        (first, second) = find(counts_of((200, 200), bought=steps)).found
        assert (first.type, second.type, first.of_type) == ("buyer_seller", "fan", None)
        assert first.effects["cliffs_delta"].size == -second.effects["cliffs_delta"].size > 0

    def test_few_are_not_told_of(self):
        assert find(counts_of((19, 400), a=there((19, 400), (19, 20)))).found == ()
        assert find(counts_of((400,), a=there((400,), (200,)))).types == ()

    @settings(max_examples=80)
    @given(st.lists(st.tuples(st.integers(0, 120), st.floats(0, 1)), min_size=2, max_size=4))
    def test_whatever_can_be_worked_out_is_of_many(self, town):
        sizes = [size for size, _ in town]
        having = [round(size * share) for size, share in town]
        findings = find(counts_of(sizes, a=there(sizes, having)), false_share=1.0)
        hidden = sum(size for name, size in zip(TYPES, sizes, strict=False) if name not in findings.types)
        assert not findings.types or hidden == 0 or hidden >= LEAST_CELL
        told = [TYPES.index(each.type) for each in findings.found]
        for cells in (having, [size - has for size, has in zip(sizes, having, strict=True)]):
            rest = [cell for place, cell in enumerate(cells) if place not in told]
            assert all(cells[place] >= LEAST_CELL for place in told)
            assert not told or sum(rest) >= LEAST_CELL or sum(sizes) == sum(sizes[place] for place in told)

"""The report about many: what is told adds nothing up to a few, and what cannot be told apart is said to be so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relationships.evidence import evidence
from relationships.pack import named_pack
from relationships.quantifying import LEAST_CELL
from relationships.reporting import WINDOW_MS, estimate, report, summary, told_of
from relationships.state import Action

CORE = named_pack("core4")
NOW = 1_000 * 86_400_000
PRIOR = {name: each.prior.share for name, each in CORE.types.items()}
SAYS = {name: tuple(8 if other == name else -8 for other in CORE.types) for name in CORE.types}


def said(name, at_ms=NOW - 1_000, count=6):
    return [evidence(at_ms + each, bytes([each]) + str(at_ms).encode(), SAYS[name]) for each in range(count)]


def found(*personas):
    summaries = [summary(CORE, words, done, NOW) for words, done in personas]
    return estimate(CORE, [each for each in summaries if each], seed=1)


def town(**counts):
    return [(said(name), ()) for name, count in counts.items() for _ in range(count)]


class TestToldOf:
    @given(st.lists(st.integers(0, 200), min_size=2, max_size=8))
    def test_whatever_is_hidden_is_together_many_or_nothing(self, counts):
        personas = sum(counts)
        parts = {str(place): count / max(1, personas) for place, count in enumerate(counts)}
        told = told_of(parts, personas)
        hidden = [count for place, count in enumerate(counts) if str(place) not in told]
        assert all(counts[int(name)] >= LEAST_CELL - 1e-6 for name in told)
        assert sum(hidden) == 0 or sum(hidden) >= LEAST_CELL or not told


class TestReport:
    def test_what_is_measured_stands_beside_what_was_assumed(self):
        told = report(found(*town(fan=120, ruler=40, buyer_seller=80)), PRIOR)
        types = {each.type: each for each in told.types}
        assert types["fan"].measured.share == pytest.approx(0.5, abs=0.02)
        assert (types["fan"].verdict, types["buyer_seller"].verdict) == ("more", "less")
        assert told.personas == 240
        assert told.distance.least > 0.2

    def test_few_are_not_told_and_cannot_be_worked_out(self):
        told = report(found(*town(fan=120, ruler=40, partner=7)), PRIOR)
        verdicts = {each.type: each.verdict for each in told.types}
        assert {name for name, verdict in verdicts.items() if verdict == "suppressed"} >= {"partner", "ruler"}
        assert all((each.measured is None) == (each.verdict == "suppressed") for each in told.types)

    def test_below_twenty_nothing_is_told(self):
        told = report(found(*town(fan=19)), PRIOR)
        assert (told.personas, told.distance, told.moves) == (0, None, {})
        assert {each.verdict for each in told.types} == {"suppressed"}

    def test_what_the_band_covers_is_not_measurable(self):
        told = report(found(*town(buyer_seller=45, partner=45)), {**PRIOR, "partner": 0.5})
        assert next(each for each in told.types if each.type == "partner").verdict == "not_measurable"


class TestMoves:
    def test_what_changed_in_ninety_days_is_told_by_family(self):
        old = NOW - WINDOW_MS - 86_400_000
        stayed = [([*said("fan", old), *said("fan")], ()) for _ in range(60)]
        left = [([*said("fan", old), *said("adversary")], ()) for _ in range(40)]
        told = report(found(*stayed, *left), PRIOR)
        assert told.moves["affection"]["affection"] == pytest.approx(0.6, abs=0.02)
        assert told.moves["affection"]["distance"] == pytest.approx(0.4, abs=0.02)
        assert told.movers == 100

    def test_who_has_been_silent_for_two_windows_is_not_counted(self):
        assert summary(CORE, said("fan", NOW - 3 * WINDOW_MS), (), NOW) is None


class TestMismatch:
    def test_what_it_costs_to_meet_somebody_as_somebody_else(self):
        day = 86_400_000
        # Known as a fan when it was offered something, and still one.
        matched = [*said("fan", NOW - 9 * day)], [Action(NOW - 5 * day, b"o1", "tried")]
        # Nothing was known yet; what was offered was rejected.
        missed = [*said("fan", NOW - 4 * day)], [Action(NOW - 5 * day, b"o2", "dismissed")]
        told = report(found(*[matched] * 30, *[missed] * 30), PRIOR)
        assert (told.matched.rejected.share, told.matched.personas) == (0.0, 30)
        assert (told.missed.rejected.share, told.missed.personas) == (1.0, 30)

    def test_fewer_than_twenty_are_not_told(self):
        one = [*said("fan", NOW - 9 * 86_400_000)], [Action(NOW - 1_000, b"o1", "tried")]
        assert report(found(*[one] * 19, *town(fan=30)), PRIOR).matched is None

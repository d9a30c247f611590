"""When a persona buys again: sums of purchases, BG/NBD against its own simulation, chances that hold."""

import numpy as np
import pytest

from kit.packs import PackError
from maskenball.evaluate.timing import auc, figures
from services.recommendation.domain import Bought
from services.recommendation.timing import bgnbd
from services.recommendation.timing.bgnbd import Rates
from services.recommendation.timing.forecast import fit
from services.recommendation.timing.history import History, Purchases, history
from services.recommendation.timing.pack import read_pack, write_pack

RATES = Rates(shape=0.8, scale=40.0, leave=1.2, stay=3.0)
YEAR = 364


@pytest.fixture(scope="module")
def bought():
    """Purchases of 2,000 customers who live as BG/NBD says."""
    rng = np.random.default_rng(5)
    rows = []
    for customer in range(2_000):
        rate, leaves = rng.gamma(RATES.shape, 1 / RATES.scale), rng.beta(RATES.leave, RATES.stay)
        day = rng.uniform(0, 60)
        while day < 2 * YEAR:
            rows.append((customer, int(day), 10.0))
            if len(rows) > 1 and rows[-2][0] == customer and rng.random() < leaves:
                break
            day += rng.exponential(1 / rate)
    customers, days, amounts = zip(*rows, strict=True)
    return Purchases(np.array(customers), np.array(days), np.array(amounts))


class TestHistory:
    def test_two_purchases_of_a_day_are_one_buying_day(self):
        bought = Purchases(np.array([0, 0, 0]), np.array([3, 3, 10]), np.array([1.0, 2.0, 4.0]))
        assert history(bought, 1, 20) == History(*(np.array([value]) for value in (1.0, 7.0, 17.0, 7.0)))

    def test_what_comes_later_is_not_known(self):
        bought = Purchases(np.array([0, 0]), np.array([3, 30]), np.array([1.0, 2.0]))
        assert history(bought, 1, 20).repeats == 0


class TestBgnbd:
    def test_who_bought_once_and_was_silent_has_not_left(self):
        known = History(*(np.array([value]) for value in (0.0, 0.0, 400.0, 1.0)))
        assert bgnbd.stays(RATES, known) == 1.0

    def test_silence_after_many_purchases_says_that_one_has_left(self):
        known = History(np.array([9.0, 9.0]), np.array([300.0, 50.0]), np.array([310.0, 310.0]), np.ones(2))
        recent, silent = bgnbd.stays(RATES, known)
        assert recent > 0.8
        assert silent < 0.1

    def test_what_is_expected_is_what_comes(self, bought):
        known = history(bought, 2_000, YEAR)
        came = bought.within(YEAR + 1, 2 * YEAR).buying_days(2_000)
        assert bgnbd.expected(RATES, known, YEAR).mean() == pytest.approx(came.mean(), rel=0.15)
        assert bgnbd.buys(RATES, known, YEAR).mean() == pytest.approx((came > 0).mean(), abs=0.03)


class TestForecast:
    def test_chances_come_true_and_medians_err_less_than_means(self, bought):
        known = history(bought, 2_000, YEAR)
        counts = bought.within(YEAR + 1, 2 * YEAR).buying_days(2_000).astype(float)
        told = fit(bought.within(0, YEAR), 2_000, YEAR).forecast(known, YEAR)
        found = figures(told.chance, told.median, counts)
        means = bgnbd.expected(RATES, known, YEAR)
        assert found["ece"] < 0.05
        assert found["mae"] <= np.abs(means - counts).mean()
        assert found["auc"] > 0.7

    def test_the_future_changes_no_forecast(self, bought):
        known = history(bought, 2_000, YEAR)
        without, with_it = (fit(each, 2_000, YEAR).forecast(known, YEAR) for each in (bought.within(0, YEAR), bought))
        assert np.array_equal(without.chance, with_it.chance)

    def test_too_few_customers_leave_bgnbd_as_it_is(self):
        few = Purchases(np.arange(20).repeat(2), np.tile([0, 50], 20), np.ones(40))
        fitted, known = fit(few, 20, 100), history(few, 20, 100)
        said = bgnbd.buys(fitted.rates, known, 100)
        assert fitted.forecast(known, 100).chance == pytest.approx(said, abs=1e-3)


class TestAuc:
    def test_equal_scores_are_a_guess(self):
        assert auc(np.ones(4), np.array([True, False, True, False])) == 0.5

    def test_buyers_above_all_others(self):
        assert auc(np.array([3.0, 1.0, 2.0]), np.array([True, False, True])) == 1.0


@pytest.fixture(scope="module")
def fitted(bought):
    return fit(bought.within(0, YEAR), 2_000, YEAR)


@pytest.fixture
def kept(bought, fitted, tmp_path):
    write_pack(tmp_path / "timing.yaml", fitted, history(bought, 2_000, YEAR), YEAR)
    return tmp_path / "timing.yaml"


class TestPack:
    def test_what_was_fitted_is_the_same_when_it_is_read(self, bought, fitted, kept):
        pack, known = read_pack(kept), history(bought, 2_000, YEAR)
        chances = fitted.forecast(known, YEAR).chance
        for each in (0, 7, 1_999):
            repeats, recency, age, spend = (float(column[each]) for column in known)
            persona = Bought(int(repeats) + 1, int(YEAR - age), int(YEAR - age + recency), spend)
            assert pack.chance(persona, YEAR, YEAR) == pytest.approx(chances[each], abs=1e-12)
        assert (pack.customers, pack.usual) == (2_000, pytest.approx(chances.mean()))

    def test_who_has_just_bought_often_is_likelier_to_than_who_left(self, kept):
        often, left = (read_pack(kept).chance(Bought(8, 0, last, 80.0), YEAR, 30) for last in (YEAR - 9, 60))
        assert often > 2 * left

    @pytest.mark.parametrize(
        ("line", "instead"), [("days: 364", "days: 0"), ("mean:", "means:"), ("weights:", "weights: [0.0]\nx:")]
    )
    def test_what_cannot_be_used_is_refused_by_name(self, kept, line, instead):
        kept.write_text(kept.read_text().replace(line, instead))
        with pytest.raises(PackError):
            read_pack(kept)

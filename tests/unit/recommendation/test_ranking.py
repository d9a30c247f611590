import copy
import dataclasses

import numpy as np
import pytest

from services.recommendation.components import popularity
from services.recommendation.domain import Abstention, Learnt, Lesson, Met, Mixes, Situation
from services.recommendation.fitting import fit
from services.recommendation.ranking import Fitted, best_of, rank
from services.recommendation.sums import WEEK_MS, Sums
from tests.unit.recommendation.town import BLEND, BOUNDS, MIX, START_MS, lesson, taught, walks


@pytest.fixture(scope="module")
def sums():
    return taught(walks())


@pytest.fixture(scope="module")
def fitted(sums):
    return Fitted(fit(sums.together, sums.followed, BLEND.regularisation, BLEND.nearness), 1)


def asked(*history, **changes):
    met = tuple(each if isinstance(each, Met) else Met(each) for each in history)
    return dataclasses.replace(Situation(met, START_MS + WEEK_MS, 5), **changes)


class TestFit:
    def test_weights_are_those_of_the_ridge_regression_of_each_item_on_the_others(self):
        rng = np.random.default_rng(3)
        x = (rng.random((40, 6)) < 0.4).astype(np.int32)
        weights = fit(x.T @ x, np.zeros((6, 6), np.int32), 2.0, 0.0)
        others = np.delete(x, 4, axis=1).astype(float)
        expected = np.linalg.solve(others.T @ others + 2.0 * np.eye(5), others.T @ x[:, 4])
        assert np.allclose(np.delete(weights[:, 4], 4), expected, atol=1e-3)
        assert weights[4, 4] == 0.0

    def test_nothing_learnt_fits_to_nothing(self):
        assert fit(Sums(BOUNDS).together, Sums(BOUNDS).followed, 1.0, 1.0).shape == (0, 0)


class TestRank:
    def test_the_next_step_of_the_walk_comes_first(self, sums, fitted):
        ranking = rank(sums, fitted, asked("a3", "a4", "a5"), BLEND)
        assert ranking.offers[0].item == "a6"

    def test_what_was_met_or_excluded_is_never_offered(self, sums, fitted):
        ranking = rank(sums, fitted, asked("a3", "a4", count=100, exclude=frozenset({"a5"})), BLEND)
        assert not {"a3", "a4", "a5"} & {offer.item for offer in ranking.offers}

    def test_of_a_removed_topic_nothing_is_offered(self, sums, fitted):
        given = taught(walks())
        given.learn(Lesson((), (Learnt("a5", START_MS, 1.0, ("gift",)),)))
        offered = {offer.item for offer in rank(given, fitted, asked("a3", count=100), BLEND).offers}
        left = rank(given, fitted, asked("a3", count=100, removed_topics=("gift", "unheard-of")), BLEND).offers
        assert offered - {offer.item for offer in left} == {"a5"}

    def test_scores_fall_and_every_other_item_is_ranked(self, sums, fitted):
        ranking = rank(sums, fitted, asked("a3", count=100), BLEND)
        scores = [offer.score for offer in ranking.offers]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == sums.size - 1

    def test_a_newcomer_gets_what_is_popular(self, sums, fitted):
        ranking = rank(sums, fitted, asked(), BLEND)
        counts = popularity(sums, START_MS + WEEK_MS, BLEND.popular_half_life_days)
        assert counts[sums.slots[ranking.offers[0].item]] == counts.max()
        assert [reason.kind for reason in ranking.offers[0].reasons] == ["popular_now"]

    def test_a_history_nobody_shares_counts_as_none(self, sums, fitted):
        assert rank(sums, fitted, asked("unheard-of"), BLEND).offers == rank(sums, fitted, asked(), BLEND).offers

    def test_it_ranks_before_the_first_fit(self, sums):
        unfitted = Fitted(np.zeros((0, 0), np.float32), 0)
        best = rank(sums, unfitted, asked("a3", "a4", "a5"), BLEND).offers[0]
        assert best.item in {"a6", "a7", "a8"}
        assert {reason.kind for reason in best.reasons} <= {"followed_item", "popular_now"}

    def test_what_was_refused_is_masked_and_speaks_for_nothing(self, sums, fitted):
        refused = rank(sums, fitted, asked(Met("a3", -1.0), "b4", "b5", count=100), BLEND)
        without = rank(sums, fitted, asked("b4", "b5", count=100, exclude=frozenset({"a3"})), BLEND)
        assert refused.offers == without.offers

    def test_liked_topics_lift_their_items(self):
        sums = taught(walks())
        for item in ("a0", "b0"):
            topic = "tea" if item == "b0" else "mugs"
            sums.learn(Lesson((), (Learnt(item, START_MS, 1.0, (topic,)),)))
        fitted = Fitted(fit(sums.together, sums.followed, BLEND.regularisation, BLEND.nearness), 1)
        mix = dataclasses.replace(MIX, topic=5.0)
        blend = dataclasses.replace(BLEND, mixes=Mixes(mix, mix))
        best = rank(sums, fitted, asked(likes=("tea", "unheard-of")), blend).offers[0]
        assert best.item == "b0"
        assert (best.reasons[0].kind, best.reasons[0].ref) == ("liked_topic", "tea")

    def test_the_same_question_has_the_same_answer(self, sums, fitted):
        assert rank(sums, fitted, asked("a3"), BLEND) == rank(sums, fitted, asked("a3"), BLEND)


class TestReasons:
    def test_reasons_name_what_was_met_and_share_the_score(self, sums, fitted):
        for offer in rank(sums, fitted, asked("a3", "a4", "a5"), BLEND).offers:
            assert 0 < sum(reason.share for reason in offer.reasons) <= 1.0 + 1e-9
            assert len(offer.reasons) <= 3
            assert {reason.ref for reason in offer.reasons} <= {"a3", "a4", "a5", ""}

    def test_the_item_before_is_the_reason_for_the_one_after(self, sums, fitted):
        offers = {offer.item: offer for offer in rank(sums, fitted, asked("b9", "a5"), BLEND).offers}
        assert {offers["b10"].reasons[0].ref, offers["b10"].reasons[1].ref} == {"b9"}
        assert {offers["a6"].reasons[0].ref, offers["a6"].reasons[1].ref} == {"a5"}


class TestAbstain:
    def test_nothing_is_offered_before_anything_was_learnt(self):
        nothing = Fitted(np.zeros((0, 0), np.float32), 0)
        assert rank(Sums(BOUNDS), nothing, asked("a"), BLEND).abstained is Abstention.NOTHING_LEARNT

    def test_what_one_persona_alone_has_met_is_not_offered(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("diary"))
        fitted = Fitted(fit(sums.together, sums.followed, BLEND.regularisation, BLEND.nearness), 1)
        assert rank(sums, fitted, asked(), BLEND).abstained is Abstention.NOTHING_GOOD_ENOUGH

    def test_who_has_met_everything_is_offered_nothing(self, sums, fitted):
        assert rank(sums, fitted, asked(*sums.items), BLEND).abstained is Abstention.NOTHING_GOOD_ENOUGH

    def test_silence_when_popularity_alone_would_do_as_well(self, sums, fitted):
        blend = dataclasses.replace(BLEND, least_gain=100.0)
        ranking = rank(sums, fitted, asked("a3", "a4"), blend)
        assert (ranking.abstained, ranking.offers) == (Abstention.NOTHING_GOOD_ENOUGH, ())

    def test_a_short_history_falls_back_to_popularity_instead(self, sums, fitted):
        blend = dataclasses.replace(BLEND, least_gain=100.0)
        assert rank(sums, fitted, asked("a3"), blend).offers


class TestPopularity:
    def test_recent_interactions_weigh_more(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("old", "old2"))
        sums.learn(lesson("new", at_ms=START_MS + 20 * WEEK_MS))
        counts = popularity(sums, START_MS + 20 * WEEK_MS, 30.0)
        assert counts[sums.slots["new"]] > counts[sums.slots["old"]] > 0

    def test_what_is_yet_to_come_does_not_count(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("old"))
        sums.learn(lesson("new", at_ms=START_MS + 20 * WEEK_MS))
        assert popularity(sums, START_MS + WEEK_MS, 30.0)[sums.slots["new"]] == 0

    def test_before_all_weeks_every_meeting_counts(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("old"))
        assert popularity(sums, START_MS - 2 * WEEK_MS, 30.0)[sums.slots["old"]] == 1

    def test_what_was_learnt_since_counts_at_once(self):
        sums = Sums(BOUNDS)
        sums.learn(lesson("tea"))
        assert popularity(sums, START_MS, 30.0)[sums.slots["tea"]] == 1
        sums.learn(lesson("tea"))
        assert popularity(sums, START_MS, 30.0)[sums.slots["tea"]] == 2


class TestBest:
    @pytest.mark.parametrize("seed", range(20))
    def test_the_highest_are_found_wherever_they_are(self, seed):
        rng = np.random.default_rng(seed)
        total = rng.standard_normal(rng.integers(1, 20_000)).astype(np.float32)
        count = int(rng.integers(1, min(60, len(total)) + 1))
        assert best_of(total, count) == np.argsort(-total, kind="stable")[:count].tolist()

    def test_equal_ones_come_by_slot(self):
        total = np.zeros(5_000, np.float32)
        total[[4_999, 7, 2_000]] = 1.0
        assert best_of(total, 3) == [7, 2_000, 4_999]
        assert best_of(total[:3], 3) == [0, 1, 2]


class TestDerived:
    def test_what_is_learnt_counts_at_once(self, fitted):
        given = taught(walks())
        before = rank(given, fitted, asked("a3"), BLEND)
        assert rank(given, fitted, asked("a3"), BLEND) == before
        for _ in range(200):
            given.learn(lesson("a3", "b9"))
        assert rank(given, fitted, asked("a3"), BLEND).offers[0].item == "b9"

    def test_a_copy_works_out_its_own(self):
        given = taught(walks())
        popularity(given, START_MS + WEEK_MS, 30.0)
        copied = copy.deepcopy(given)
        assert given.derived
        assert not copied.derived
        assert np.array_equal(popularity(copied, START_MS + WEEK_MS, 30.0), popularity(given, START_MS + WEEK_MS, 30.0))

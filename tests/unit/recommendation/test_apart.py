import numpy as np
import pytest

from kit import packs
from services.recommendation.apart import MOST_OFFERS, rank_apart
from services.recommendation.domain import Bounds, Learnt, Lesson, Met, Situation
from services.recommendation.ranking import Fitted
from services.recommendation.settings import RankingPack, RecommendationSettings
from services.recommendation.sums import Sums

_UNFITTED = Fitted(np.zeros((0, 0), np.float32), 0)
_HERE, _THERE = bytes(16), bytes([1]) * 16


@pytest.fixture(scope="module")
def blend():
    return packs.load(RecommendationSettings.model_fields["ranking_file"].default, RankingPack).blend


@pytest.fixture(scope="module")
def sums():
    """Sixty items, each met by one persona more than the one before it."""
    learnt = Sums(Bounds(100, 10, 10))
    for persona in range(60):
        learnt.learn(Lesson((), tuple(Learnt(f"p-{item}", 0) for item in range(59, 58 - persona, -1))))
    return learnt


def offered(sums, blend, key=_HERE, history=(), count=MOST_OFFERS):
    situation = Situation(tuple(map(Met, history)), 0, count, draw_key=key)
    return rank_apart(sums, _UNFITTED, situation, blend).offers


class TestRankApart:
    def test_two_audiences_get_different_draws_and_each_the_same_again(self, sums, blend):
        here, again, there = (offered(sums, blend, key) for key in (_HERE, _HERE, _THERE))

        assert here == again
        assert {offer.item for offer in here} != {offer.item for offer in there}

    def test_only_the_best_thirty_are_drawn_from(self, sums, blend):
        best = {f"p-{item}" for item in range(30, 60)}

        assert {offer.item for offer in offered(sums, blend)} <= best

    def test_what_was_met_is_not_offered(self, sums, blend):
        first = offered(sums, blend)[0].item

        assert first not in {offer.item for offer in offered(sums, blend, history=(first,))}

    def test_taste_in_a_history_changes_nothing_but_what_is_left_out(self, sums, blend):
        far_away = ("p-0", "p-1", "p-2")

        assert offered(sums, blend, history=far_away) == offered(sums, blend)

    def test_scores_and_reasons_tell_the_place_alone(self, sums, blend):
        offers = offered(sums, blend)

        assert [offer.score for offer in offers] == [1.0 / place for place in range(1, MOST_OFFERS + 1)]
        assert {offer.reasons[0].share for offer in offers} == {1.0}

    def test_more_than_ten_are_never_told(self, sums, blend):
        assert len(offered(sums, blend, count=100)) == MOST_OFFERS

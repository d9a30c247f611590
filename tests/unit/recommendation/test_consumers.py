import asyncio
from pathlib import Path

import pytest

from kit.aside import UnfinishedError
from kit.packs import load
from services.recommendation import consumers, settings, use_cases
from services.recommendation.consumers import Learner
from services.recommendation.domain import Position
from services.recommendation.model import Models
from services.recommendation.settings import RankingPack
from tests.unit.recommendation.town import BOUNDS, lesson

RANKING = load(Path(settings.__file__).with_name("packs") / "ranking.yaml", RankingPack)


@pytest.fixture
def models():
    taught = Models(BOUNDS, Position("PROFILE", "created", 0))
    use_cases.learn(taught, use_cases.Batch(1, "oak", bytes(16), [lesson("a", "b")]))
    return taught


class TestKeepFitting:
    async def test_a_fit_that_was_killed_is_tried_again(self, models, monkeypatch):
        tried, is_fitted = [], asyncio.Event()

        async def fit(*_):
            tried.append(1)
            if len(tried) == 1:
                raise UnfinishedError
            is_fitted.set()
            return 1, 0.01

        monkeypatch.setattr(use_cases, "fit", fit)
        monkeypatch.setattr(consumers, "_FITTING_SHARE", 1e3)
        learner = Learner(models, None, None, None, RANKING)
        fitting = asyncio.create_task(learner.keep_fitting())
        await asyncio.wait_for(is_fitted.wait(), 5)
        fitting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fitting
        assert len(tried) == 2

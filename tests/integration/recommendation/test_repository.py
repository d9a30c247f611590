import dataclasses
import datetime as dt

import numpy as np
import pytest

from kit.errors import UnavailableError
from kit.migrate import check
from services.recommendation import repository, use_cases
from services.recommendation.domain import DeadLetter, PositionTakenError
from services.recommendation.use_cases import Batch, learn, load, save, set_aside
from tests.unit.recommendation.town import BLEND, BOUNDS, CHOOSING, lesson, walks


@pytest.fixture
def sums_database(database):
    return database("recommendation")


@pytest.fixture
def reload(sums_database):
    async def read():
        async with sums_database.transaction() as connection:
            return await load(connection, BOUNDS, "PROFILE", "created")

    return read


@pytest.fixture
def keep(sums_database, now):
    async def write(models):
        async with sums_database.transaction() as connection:
            await save(connection, models, now)
        models.saved()

    return write


@pytest.fixture
def now():
    return dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def teach(models, paths, start=1):
    for sequence, path in enumerate(paths, start=start):
        learn(models, Batch(sequence, "oak", sequence.to_bytes(16, "big"), [lesson(*path)]))


class TestSave:
    async def test_saved_sums_are_loaded_the_same(self, reload, keep):
        models = await reload()
        teach(models, walks(people=50))
        await keep(models)
        kept, loaded = models.of("oak").sums, (await reload()).of("oak").sums
        assert loaded.items == kept.items
        for name in ("met", "together", "followed", "weeks", "about"):
            assert np.array_equal(getattr(loaded, name), getattr(kept, name)), name

    async def test_a_fit_is_loaded_bit_for_bit_with_the_mixes_chosen(self, reload, keep):
        models = await reload()
        teach(models, walks(people=200))
        await use_cases.fit(models, "oak", BLEND, CHOOSING)
        await keep(models)
        kept, loaded = models.of("oak"), (await reload()).of("oak")
        assert kept.fitted.mixes is not None
        assert loaded.fitted[1:] == kept.fitted[1:]
        assert np.array_equal(loaded.fitted.weights, kept.fitted.weights)
        assert loaded.chosen_interactions == kept.chosen_interactions > 0

    async def test_saving_bit_by_bit_is_saving_at_once(self, reload, keep):
        models, paths = await reload(), walks(people=20)
        for number, path in enumerate(paths, start=1):
            teach(models, [path], start=number)
            await keep(models)
        at_once = (await reload()).__class__(BOUNDS, models.position)
        at_once.position = type(models.position)("PROFILE", "created", 0)
        teach(at_once, paths)
        loaded = await reload()
        assert loaded.position.sequence == 20
        assert np.array_equal(loaded.of("oak").sums.together, at_once.of("oak").sums.together)
        assert np.array_equal(loaded.of("oak").sums.followed, at_once.of("oak").sums.followed)

    async def test_only_what_changed_is_written(self, reload, keep, sums_database):
        models = await reload()
        teach(models, walks(people=50))
        await keep(models)
        teach(models, [["a1", "a2"]], start=51)
        assert models.of("oak").sums.changed_slots == {models.of("oak").sums.slots[item] for item in ("a1", "a2")}

    async def test_two_savers_of_one_position_cannot_both_win(self, reload, keep):
        first, second = await reload(), await reload()
        teach(first, [["tea"]])
        teach(second, [["tea"], ["cup"]])
        await keep(first)
        with pytest.raises(PositionTakenError):
            await keep(second)
        assert (await reload()).of("oak").sums.interactions == 1

    async def test_a_failed_save_leaves_all_to_be_saved(self, reload, keep, sums_database, now, monkeypatch):
        models = await reload()
        teach(models, [["tea"]])

        async def fail(*_):
            raise OSError("disk full")

        with monkeypatch.context() as patched:
            patched.setattr(repository, "put_batches", fail)
            with pytest.raises(UnavailableError):
                await keep(models)
        assert models.is_unsaved
        assert not (await reload()).brands
        await keep(models)
        assert (await reload()).of("oak").sums.interactions == 1


class TestPosition:
    async def test_a_position_seen_before_teaches_nothing(self, reload):
        models = await reload()
        teach(models, [["tea"]])
        assert not learn(models, Batch(1, "oak", b"other", [lesson("cup")]))
        assert models.of("oak").sums.interactions == 1

    async def test_the_stream_learnt_from_is_remembered(self, reload, keep, sums_database):
        models = await reload()
        teach(models, [["tea"]])
        await keep(models)
        async with sums_database.transaction() as connection:
            assert (await load(connection, BOUNDS, "PROFILE", "another")).position.created_at == "created"

    async def test_what_is_set_aside_moves_the_position(self, reload, keep):
        models = await reload()
        set_aside(models, DeadLetter(7, "UNREADABLE", b"x"))
        await keep(models)
        assert (await reload()).position.sequence == 7


class TestFit:
    async def test_places_that_change_hands_forget_their_weights(self, reload):
        models = await reload()
        small = use_cases.Models(type(BOUNDS)(items=2, waiting=10, topics=2), models.position)
        teach(small, [["a", "b"], ["a", "b"]])
        await use_cases.fit(small, "oak", dataclasses.replace(BLEND, regularisation=1.0), CHOOSING)
        model = small.of("oak")
        assert model.fitted.weights[0, 1] > 0
        teach(small, [["new"]] * 9, start=3)
        version, _ = await use_cases.fit(small, "oak", dataclasses.replace(BLEND, regularisation=1.0), CHOOSING)
        assert version == 2
        assert "new" in model.sums.slots
        assert not model.fitted.weights.any()


def test_the_tables_in_code_are_those_of_the_migrations(database_url, migrations):
    check(database_url("recommendation"), migrations["recommendation"])

import numpy as np
import pytest
from typer.testing import CliRunner

from maskenball.__main__ import app
from maskenball.evaluate import bandit
from maskenball.evaluate.bandit import UnratedError, evaluate, rate
from maskenball.evaluate.interactions import Interactions, read_interactions
from maskenball.evaluate.showing import Learner
from maskenball.evaluate.splits import Reading

USERS, ITEMS, EACH = 40, 40, 20


@pytest.fixture(autouse=True)
def _one_game(monkeypatch):
    monkeypatch.setattr(bandit, "_SEEDS", (0,))


def town(scale=1.0):
    """Users of two circles mostly rate items of their own circle, and like those more; some items are better."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(USERS), EACH)
    own = users % 2 == 0
    odds = np.where(np.arange(ITEMS) % 2 == 0, 4.0, 1.0)
    items = np.concatenate(
        [rng.choice(ITEMS, EACH, replace=False, p=np.roll(odds, user % 2) / odds.sum()) for user in range(USERS)]
    )
    liked = rng.random(len(users)) < np.where(own == (items % 2 == 0), 0.6, 0.1) + 0.3 * (items < ITEMS / 2)
    return Interactions(users, items, rng.integers(0, 10**9, len(users)), scale * np.where(liked, 5.0, 1.0))


class TestEvaluate:
    def test_what_is_learnt_beats_chance_and_says_how_sure_it_is(self):
        outcome = evaluate(town())
        assert outcome["accept"] > outcome["random"] + 0.05
        assert outcome["accept_at_25"] > outcome["accept"]
        assert 0 < outcome["abstain_gain"] < 1
        assert outcome["ece"] < 0.1

    def test_the_same_file_has_the_same_figures(self):
        few = Interactions(*(column[: 10 * EACH] for column in town()))
        assert evaluate(few, Reading.HISTORY) == evaluate(few, Reading.HISTORY)

    def test_outcomes_of_what_was_not_shown_change_nothing(self):
        rng = np.random.default_rng(0)
        honest, fooled = Learner(ITEMS, USERS), Learner(ITEMS, USERS)
        for _ in range(300):
            user, items = int(rng.integers(USERS)), rng.choice(ITEMS, 10, replace=False)
            accepted, lot = rng.random(10) < 0.5, rng.random()
            outcome = honest.show(user, items, accepted, lot)
            lies = np.where(items == honest.shown[user][-1], accepted, ~accepted)
            assert fooled.show(user, items, lies, lot) == outcome

    @pytest.mark.parametrize("reading", [Reading.REPEATS, Reading.CONTEXT])
    def test_only_in_repeats_a_user_is_shown_something_twice(self, monkeypatch, reading):
        shown = []
        show = Learner.show

        def noted(self, user, *given):
            outcome = show(self, user, *given)
            shown.append((id(self), user, self.shown[user][-1]))
            return outcome

        monkeypatch.setattr(Learner, "show", noted)
        evaluate(town(), reading)
        assert len(shown) > 300
        assert (len(set(shown)) < len(shown)) == (reading is Reading.REPEATS)


class TestRate:
    @pytest.mark.parametrize(("scale", "least"), [(1.0, 4.0), (2.0, 8.0), (0.2, 0.8)])
    def test_four_stars_or_the_upper_quarter_of_a_scale_are_an_acceptance(self, scale, least):
        assert rate(town(scale=scale)).least == pytest.approx(least)

    def test_the_last_rating_of_a_pair_counts(self):
        rated = rate(Interactions(*map(np.array, ([0, 0, 0], [0, 0, 1], [5, 9, 1], [5.0, 1.0, 4.0]))))
        assert rated.items.tolist() == [1, 0]
        assert rated.accepted.tolist() == [True, False]

    def test_without_ratings_it_says_which_line_lacks_one(self, tmp_path):
        path = tmp_path / "plain.tsv"
        path.write_text("a\tx\t1\t4\nb\ty\t2\n")
        with pytest.raises(UnratedError, match="line 2"):
            rate(read_interactions(path))

    def test_ratings_that_are_all_the_same_are_refused(self):
        with pytest.raises(UnratedError, match="the same"):
            rate(town()._replace(ratings=np.ones(USERS * EACH)))

    def test_users_with_too_few_ratings_are_refused(self):
        few = np.array([0, 0, 1])
        with pytest.raises(UnratedError, match="no user"):
            evaluate(Interactions(few, np.array([0, 1, 0]), few, np.array([1.0, 5.0, 4.0])))


def test_the_command_says_what_it_cannot_use(tmp_path):
    path = tmp_path / "plain.tsv"
    path.write_text("a\tx\t1\n")
    done = CliRunner().invoke(app, ["evaluate", "bandit", "--interactions", str(path), "--json"])
    assert done.exit_code == 1
    assert "line 1 has no number as its rating" in done.output

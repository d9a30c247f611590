"""`python -m bench.attack`: splits a public log into two worlds and tries to link them again; starts no server."""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from bench.attack import usefulness
from bench.attack.attackers import Side
from bench.attack.exports import Audience, Ranker, teach
from bench.attack.game import Outcome, play, upper_95
from bench.attack.usefulness import Interval, Usefulness
from bench.attack.worlds import SECOND_MS, Worlds, histories, split
from bench.report import Result, show, write
from kit import packs
from kit.keyring import FolderKeyRing
from maskenball.demo.dataset import Dataset, fetch
from services.profile.boundary import Crowding
from services.profile.domain import PID_BYTES
from services.profile.handles import FAMILY
from services.profile.settings import ProfileSettings
from services.profile.weights import load_weights
from services.recommendation.settings import RankingPack, RecommendationSettings

_AUDIENCES = ("world:oak-street", "world:elm-street")
# The share was chosen on games 0 to 9: the figures are of games that nothing was chosen on.
_FIRST = 100
# Right guesses are few: in fifty games the bound of the best of ten lies half a guess above its mean.
_GAMES = 200
_CACHE = Path(__file__).parents[2] / ".cache" / "demo"


class Game(NamedTuple):
    """Outcomes by attacker, coarse and, if that was played, with nothing coarse; what the coarse are good for."""

    coarse: dict[str, Outcome]
    control: dict[str, Outcome]
    useful: list[Usefulness]
    ndcg: list[float]
    ndcg_of_control: list[float]


class Place(NamedTuple):
    """Where the keys of all games lie, and how views are cut."""

    folder: Path
    crowding: Crowding


class Setting(NamedTuple):
    """What all games share."""

    dataset: Dataset
    keyring: FolderKeyRing
    at_ms: int
    crowding: Crowding
    ranker: Ranker

    def coarse(self, worlds: Worlds, seed: int) -> tuple[Side, Side]:
        """Return what leaves the platform in both worlds."""
        here, there = self._audiences(worlds, seed)
        return (
            here.coarse(worlds.here, self.crowding, self.ranker),
            there.coarse(worlds.there, self.crowding, self.ranker),
        )

    def uncoarsened(self, worlds: Worlds, seed: int) -> tuple[Side, Side]:
        """Return what would leave it if nothing were cut."""
        here, there = self._audiences(worlds, seed)
        return here.uncoarsened(worlds.here, self.ranker), there.uncoarsened(worlds.there, self.ranker)

    def _audiences(self, worlds: Worlds, seed: int) -> tuple[Audience, Audience]:
        """Return both, who know the same personas; in every game other ones, or no two games were independent."""
        rng = np.random.default_rng([seed, len(worlds.here)])
        pids = [rng.bytes(PID_BYTES) for _ in worlds.here]
        here, there = (Audience(name, self.keyring, self.at_ms, pids) for name in _AUDIENCES)
        return here, there


def main() -> None:
    """Play, write bench/results/attack.json, print a table."""
    fields = ProfileSettings.model_fields
    parser = argparse.ArgumentParser(prog="python -m bench.attack", description=__doc__)
    parser.add_argument("--seeds", type=int, default=_GAMES, help="games played")
    parser.add_argument("--first", type=int, default=_FIRST, help="number of the first game")
    parser.add_argument("--controls", type=int, default=5, help="games of these played with nothing coarse, too")
    parser.add_argument("--least", type=int, default=fields["shared_by_least"].default, help="k")
    parser.add_argument("--share", type=float, default=fields["shared_by_share"].default)
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="maskenball-attack-") as folder:
        FolderKeyRing(Path(folder)).ensure(FAMILY)
        fetch(_CACHE)
        place = Place(Path(folder), Crowding(options.least, options.share))
        seeds = range(options.first, options.first + options.seeds)
        games = _play(place, seeds, options.controls, console.print)
    results = _results(games)
    show("attack", results, console)
    console.print(f"  written to {write('attack', results)}", highlight=False)


@cache
def _setting(place: Place) -> Setting:
    """Return it, made once in every process that plays."""
    dataset = fetch(_CACHE)
    at_ms = int(dataset.ratings[-1].at * SECOND_MS)
    worlds = split(dataset, histories(dataset), load_weights(), seed=0)
    pack = packs.load(RecommendationSettings.model_fields["ranking_file"].default, RankingPack)
    ranker = teach(dataset, [*worlds.here, *worlds.there], load_weights(), (pack.blend, pack.bounds))
    return Setting(dataset, FolderKeyRing(place.folder), at_ms, place.crowding, ranker)


def _play(place: Place, seeds: range, controls: int, say: Callable[[str], None]) -> list[Game]:
    """Play on every core; the outcome of a game depends on its seed alone."""
    games = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        with_control = (number < controls for number in range(len(seeds)))
        for game in pool.map(_game, repeat(place), seeds, with_control):
            games.append(game)
            best = max(np.mean(found) for found in _by_attacker(games, "top_1_over_chance").values())
            say(f"  game {len(games)} of {len(seeds)}: best attacker so far {best:.2f} times chance")
    return games


def _game(place: Place, seed: int, with_control: bool) -> Game:  # noqa: FBT001  # it comes from a pool
    setting = _setting(place)
    worlds = split(setting.dataset, histories(setting.dataset), load_weights(), seed)
    here, there = setting.coarse(worlds, seed)
    plain = setting.uncoarsened(worlds, seed) if with_control else None
    pairs = list(zip(worlds, (here, there), strict=True))
    return Game(
        play(here, there, np.random.default_rng(seed)),
        play(*plain, np.random.default_rng(seed)) if plain else {},
        [usefulness.judge(setting.dataset, world, exports) for world, exports in pairs],
        [usefulness.ndcg(world, exports) for world, exports in pairs],
        [usefulness.ndcg(world, exports) for world, exports in zip(worlds, plain or (), strict=False)],
    )


def _by_attacker(games: Sequence[Game], kind: str) -> dict[str, list[float]]:
    return {name: [getattr(game.coarse[name], kind) for game in games] for name in games[0].coarse}


def _results(games: Sequence[Game]) -> list[Result]:
    useful = [each for game in games for each in game.useful]
    rng = np.random.default_rng(0)
    return [
        _best("best_attacker_top1_over_chance_upper95", games, "top_1_over_chance"),
        _best("best_attacker_top10_over_chance_upper95", games, "top_10_over_chance"),
        _control(games),
        Result("personas_with_a_like", "share", _mean([each.with_a_like for each in useful])),
        _interval("view_utility_over_popularity", "ratio", usefulness.over_popularity(useful, rng)),
        _interval("view_information_beyond_popularity", "bits a like", usefulness.bits_per_like(useful, rng)),
        Result("offers_ndcg10", "nDCG@10", _mean([each for game in games for each in game.ndcg])).against(
            "whole history", _mean([each for game in games for each in game.ndcg_of_control])
        ),
    ]


def _best(result: str, games: Sequence[Game], kind: str) -> Result:
    found = _by_attacker(games, kind)
    bounds = {name: upper_95(values, among=len(found)) for name, values in found.items()}
    name = max(bounds, key=bounds.__getitem__)
    told = ", ".join(
        f"{attacker} {np.mean(found[attacker]):.2f} < {bounds[attacker]:.2f}" for attacker in sorted(found)
    )
    note = f"{len(games)} games, mean and bound; {name} is best: {told}"
    return Result(result, "times chance", round(bounds[name], 3), note=note)


def _interval(name: str, unit: str, found: Interval) -> Result:
    told = f"{found.low:.4f} to {found.high:.4f} in 95 % of bootstraps over personas"
    return Result(name, unit, round(found.value, 4), note=told)


def _control(games: Sequence[Game]) -> Result:
    played = [game.control for game in games if game.control]
    found = {name: float(np.mean([control[name].top_1 for control in played])) for name in played[0]}
    name = max(found, key=found.__getitem__)
    told = ", ".join(f"{attacker} {share:.3f}" for attacker, share in sorted(found.items()))
    return Result("control_uncoarsened_top1", "share", round(found[name], 4), note=f"{name} is best: {told}")


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4)


if __name__ == "__main__":
    main()

"""`python -m bench.attack`: splits a public log into two worlds and tries to link them again; starts no server."""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from bench.attack import usefulness
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
_CACHE = Path(__file__).parents[2] / ".cache" / "demo"


class Games(NamedTuple):
    """All outcomes by attacker, coarse and as a control with nothing coarse, and what coarse exports are good for."""

    coarse: dict[str, list[Outcome]]
    control: dict[str, list[Outcome]]
    useful: list[Usefulness]
    ndcg: dict[str, list[float]]


class Setting(NamedTuple):
    """What all games share."""

    dataset: Dataset
    keyring: FolderKeyRing
    at_ms: int
    crowding: Crowding
    ranker: Ranker

    def audiences(self, worlds: Worlds, seed: int) -> list[Audience]:
        """Return both, who know the same personas; in every game other ones, or no two games were independent."""
        rng = np.random.default_rng([seed, len(worlds.here)])
        pids = [rng.bytes(PID_BYTES) for _ in worlds.here]
        return [Audience(name, self.keyring, self.at_ms, pids) for name in _AUDIENCES]


def main() -> None:
    """Play, write bench/results/attack.json, print a table."""
    fields = ProfileSettings.model_fields
    parser = argparse.ArgumentParser(prog="python -m bench.attack", description=__doc__)
    parser.add_argument("--seeds", type=int, default=50, help="games played")
    parser.add_argument("--first", type=int, default=_FIRST, help="number of the first game")
    parser.add_argument("--controls", type=int, default=5, help="games of these played with nothing coarse, too")
    parser.add_argument("--least", type=int, default=fields["shared_by_least"].default, help="k")
    parser.add_argument("--share", type=float, default=fields["shared_by_share"].default)
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="maskenball-attack-") as folder:
        setting = _prepare(Path(folder), Crowding(options.least, options.share))
        seeds = range(options.first, options.first + options.seeds)
        games = _play(setting, seeds, options.controls, console.print)
    results = _results(games)
    show("attack", results, console)
    console.print(f"  written to {write('attack', results)}", highlight=False)


def _prepare(folder: Path, crowding: Crowding) -> Setting:
    keyring = FolderKeyRing(folder)
    keyring.ensure(FAMILY)
    dataset = fetch(_CACHE)
    at_ms = int(dataset.ratings[-1].at * SECOND_MS)
    worlds = split(dataset, histories(dataset), load_weights(), seed=0)
    pack = packs.load(RecommendationSettings.model_fields["ranking_file"].default, RankingPack)
    ranker = teach(dataset, [*worlds.here, *worlds.there], load_weights(), (pack.blend, pack.bounds))
    return Setting(dataset, keyring, at_ms, crowding, ranker)


def _play(setting: Setting, seeds: range, controls: int, say: Callable[[str], None]) -> Games:
    games = Games(defaultdict(list), defaultdict(list), [], defaultdict(list))
    weights, lives = load_weights(), histories(setting.dataset)
    for number, seed in enumerate(seeds, start=1):
        worlds = split(setting.dataset, lives, weights, seed)
        _play_coarse(setting, worlds, games, seed)
        if number <= controls:
            _play_control(setting, worlds, games, seed)
        best = max(np.mean([each.top_1_over_chance for each in found]) for found in games.coarse.values())
        say(f"  game {number} of {len(seeds)}: best attacker so far {best:.2f} times chance")
    return games


def _play_coarse(setting: Setting, worlds: Worlds, games: Games, seed: int) -> None:
    sides = [
        audience.coarse(world, setting.crowding, setting.ranker)
        for audience, world in zip(setting.audiences(worlds, seed), worlds, strict=True)
    ]
    for name, outcome in play(*sides, np.random.default_rng(seed)).items():
        games.coarse[name].append(outcome)
    for world, exports in zip(worlds, sides, strict=True):
        games.useful.append(usefulness.judge(setting.dataset, world, exports))
        games.ndcg["coarse"].append(usefulness.ndcg(world, exports))


def _play_control(setting: Setting, worlds: Worlds, games: Games, seed: int) -> None:
    sides = [
        audience.uncoarsened(world, setting.ranker)
        for audience, world in zip(setting.audiences(worlds, seed), worlds, strict=True)
    ]
    for name, outcome in play(*sides, np.random.default_rng(seed)).items():
        games.control[name].append(outcome)
    for world, exports in zip(worlds, sides, strict=True):
        games.ndcg["whole"].append(usefulness.ndcg(world, exports))


def _results(games: Games) -> list[Result]:
    bounds = {
        name: {
            kind: upper_95([getattr(each, kind) for each in found], among=len(games.coarse)) for kind in Outcome._fields
        }
        for name, found in games.coarse.items()
    }
    rng = np.random.default_rng(0)
    return [
        _best("best_attacker_top1_over_chance_upper95", bounds, "top_1_over_chance"),
        _best("best_attacker_top10_over_chance_upper95", bounds, "top_10_over_chance"),
        _control(games),
        Result("personas_with_a_like", "share", _mean([each.with_a_like for each in games.useful])),
        _interval("view_utility_over_popularity", "ratio", usefulness.over_popularity(games.useful, rng)),
        _interval("view_information_beyond_popularity", "bits a like", usefulness.bits_per_like(games.useful, rng)),
        Result("offers_ndcg10", "nDCG@10", _mean(games.ndcg["coarse"])).against(
            "whole history", _mean(games.ndcg["whole"])
        ),
    ]


def _best(result: str, bounds: dict[str, dict[str, float]], kind: str) -> Result:
    name = max(bounds, key=lambda attacker: bounds[attacker][kind])
    told = ", ".join(f"{attacker} {found[kind]:.2f}" for attacker, found in sorted(bounds.items()))
    return Result(result, "times chance", round(bounds[name][kind], 3), note=f"{name} is best: {told}")


def _interval(name: str, unit: str, found: Interval) -> Result:
    told = f"{found.low:.4f} to {found.high:.4f} in 95 % of bootstraps over personas"
    return Result(name, unit, round(found.value, 4), note=told)


def _control(games: Games) -> Result:
    found = {name: float(np.mean([each.top_1 for each in outcomes])) for name, outcomes in games.control.items()}
    name = max(found, key=found.__getitem__)
    told = ", ".join(f"{attacker} {share:.3f}" for attacker, share in sorted(found.items()))
    return Result("control_uncoarsened_top1", "share", round(found[name], 4), note=f"{name} is best: {told}")


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4)


if __name__ == "__main__":
    main()

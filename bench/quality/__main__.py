"""`python -m bench.quality`: offers on a public log, through the RPC, beside others from their papers."""

import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.quality.bandits import BANDITS
from bench.quality.baselines import GRID, Matrix, Recommender
from bench.report import Result, show, write
from maskenball.demo.dataset import fetch
from maskenball.evaluate.bandit import play
from maskenball.evaluate.interactions import Indices, Interactions, read_interactions
from maskenball.evaluate.metrics import LONG, mean, measure
from maskenball.evaluate.showing import Learner
from maskenball.evaluate.splits import Case, Protocol, Reading, Split, cases, split

_CACHE = Path(__file__).parents[2] / ".cache" / "demo"
_SPLITS = {"loo": Protocol.LOO, "rnd": Protocol.RANDOM}


def main() -> None:
    """Measure, write bench/results/recommend.json, print a table."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="maskenball-quality-") as folder:
        path = Path(folder) / "ml-100k.tsv"
        ratings = fetch(_CACHE).ratings
        lines = (f"{each.visitor}\t{each.item}\t{each.at}\t{each.stars}\n" for each in ratings)
        path.write_text("".join(lines), encoding="utf-8")
        interactions = read_interactions(path)
        results = [each for name in _SPLITS for each in _compared(path, interactions, name, console)]
        results += _shown(interactions, console)
    show("quality of offers, ml-100k; nDCG@10 over the full ranking", results, console)
    console.print(f"  written to {write('recommend', results)}", highlight=False)


def _compared(path: Path, interactions: Interactions, name: str, console: Console) -> list[Result]:
    protocol = _SPLITS[name]
    console.print(f"  {name}: baselines", highlight=False)
    beside = {model: _baseline(interactions, protocol, grid) for model, grid in GRID.items()}
    console.print(f"  {name}: the service", highlight=False)
    command = [sys.executable, "-m", "maskenball", "evaluate", "recommend", "--interactions", str(path)]
    done = subprocess.run(  # noqa: S603 - a fixed command line
        [*command, "--protocol", protocol.value, "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    outcome = json.loads(done.stdout.splitlines()[-1])
    best = max(beside, key=lambda model: beside[model])
    ours = Result(
        f"ml100k_{name}_ndcg10",
        "nDCG@10",
        outcome["ndcg@10"],
        p50_ms=outcome["request_p50_ms"],
        p99_ms=outcome["request_p99_ms"],
        note=f"weights {outcome['weights']}",
    )
    baselines = [Result(f"baseline_{model}_{name}", "nDCG@10", round(value, 4)) for model, value in beside.items()]
    return [ours.against(best, beside[best]), *baselines]


def _shown(interactions: Interactions, console: Console) -> list[Result]:
    """Return how often one of ten is accepted; ours also where nothing shown comes again (decision 33)."""
    console.print("  offer bandit", highlight=False)
    ours = play(interactions, Reading.REPEATS, Learner)
    beside = {name: play(interactions, Reading.REPEATS, made) for name, made in BANDITS.items()}
    strict = play(interactions, Reading.CONTEXT, Learner)
    names = {
        "offer_bandit_accept": "accept",
        "offer_bandit_last_quarter": "accept_last_quarter",
        "abstain_gain": "abstain_gain",
    }
    compared = [
        Result(name, "share", ours[key]).against("linucb", beside["linucb"][key]) for name, key in names.items()
    ]
    others = [
        Result(f"baseline_{model}_{name}", "share", figures[key])
        for model, figures in beside.items()
        for name, key in names.items()
    ]
    never_again = [Result(f"{name}_never_again", "share", strict[key]) for name, key in names.items()]
    return [*compared, Result("offer_bandit_ece", "share", ours["ece"]), *never_again, *others]


def _baseline(interactions: Interactions, protocol: Protocol, grid: list[Recommender]) -> float:
    """Return what the setting that is best on validation data reaches on the test, fitted on all that is known."""
    parts = split(interactions, protocol)
    best = grid[0]
    if len(grid) > 1:
        inner = _validation(interactions, parts.known, protocol)
        best = max(grid, key=lambda recommender: _ndcg(interactions, inner, recommender))
    return _ndcg(interactions, parts, best)


def _validation(interactions: Interactions, known: Indices, protocol: Protocol) -> Split:
    """Split what is known once more as the protocol does."""
    within = Interactions(*(column[known] for column in interactions))
    parts = split(within, protocol)
    return Split(known[parts.known], known[parts.asked])


def _ndcg(interactions: Interactions, parts: Split, recommender: Recommender) -> float:
    met = np.zeros((int(interactions.users.max()) + 1, interactions.item_count))
    met[interactions.users[parts.known], interactions.items[parts.known]] = 1.0
    scores = recommender(met)
    return mean([measure(_ranked(scores, case), case.right) for case in cases(interactions, parts)]).ndcg


def _ranked(scores: Matrix, case: Case) -> list[int]:
    seen = set(case.items)
    order = np.argsort(-scores[case.user], kind="stable").tolist()
    return list(islice((item for item in order if item not in seen), LONG))


if __name__ == "__main__":
    main()

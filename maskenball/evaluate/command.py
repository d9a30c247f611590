"""`maskenball evaluate`: each measurement starts what it needs on its own and leaves nothing behind."""

import asyncio
import json
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.local.errors import StackError
from infra.local.folder import DataFolder
from infra.local.processes import PROGRAMS
from infra.local.stack import LocalStack
from kit.epochs import EpochKeys
from kit.errors import TypedError
from kit.keyring import FolderKeyRing
from maskenball.evaluate import filtering
from maskenball.evaluate.interactions import FileFormatError, Interactions, read_interactions
from maskenball.evaluate.recommend import NothingToAskError, Service
from maskenball.evaluate.recommend import evaluate as evaluate_recommend
from maskenball.evaluate.splits import Protocol, Reading
from maskenball.evaluate.texts import TextsFormatError
from maskenball.progress import progress_on

evaluate = typer.Typer(
    no_args_is_help=True, help="Measure decisions on public protocols, through the platform's doors."
)
_SHOWN = ("ndcg@10", "hr@10", "recall@20", "mrr@10")
_JUDGED = (
    "balanced_macro_f1",
    "balanced_recall",
    "accuracy",
    "ece",
    "false_alarms_per_1000",
    "wrong_labels_per_1000_neutral",
)


@evaluate.callback()
def _about() -> None:
    """Measure decisions on public protocols, through the platform's own doors."""


@evaluate.command("filter")
def filter_(
    texts: Annotated[Path, typer.Option(help="JSON lines of texts with labelled spans.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Let the doors' filter look at labelled texts: what it finds, and where it hits without cause."""
    try:
        outcome = filtering.evaluate(texts)
    except (OSError, TextsFormatError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        Console().print(_found_table(outcome))


@evaluate.command()
def relationship(
    texts: Annotated[Path, typer.Option(help="JSON lines: text, lang, label and, if wanted, id.")],
    pack: Annotated[str, typer.Option(help="The relationship pack.")] = "core4",
    predictions: Annotated[Path | None, typer.Option(help="Write label and probabilities of each line here.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Judge labelled texts by a relationship pack: which type each speaks for, if any, and how sure that is."""
    # It loads an encoder, for which the other measurements need not wait.
    from maskenball.evaluate import stances

    try:
        judged = stances.evaluate(texts, pack)
        if predictions is not None:
            lines = (json.dumps(each, ensure_ascii=False) for each in judged.predictions)
            predictions.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except (OSError, TypedError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(judged.outcome) + "\n")
    else:
        Console().print(_judged_table(judged.outcome))


@evaluate.command()
def timing(
    purchases: Annotated[Path, typer.Option(help="Customer, date and amount a line; by tab, comma or space.")],
    write: Annotated[Path | None, typer.Option(help="Fit to the whole file, too, and keep that as this pack.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Foretell who buys in the second half of a file, from its first half alone."""
    from maskenball.evaluate import timing as timings

    try:
        outcome = timings.evaluate(purchases)
        if write is not None:
            timings.keep(write, purchases)
    except (OSError, UnicodeDecodeError, TypedError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        Console().print_json(data=outcome)


@evaluate.command()
def recommend(
    interactions: Annotated[Path, typer.Option(help="Tab-separated user, item, timestamp [, rating]; no header.")],
    protocol: Annotated[Protocol, typer.Option(help="Which interactions are asked for.")] = Protocol.LOO,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Teach a recommendation process of its own from the stream, ask it for every test user, rank in full."""
    console = Console(stderr=True)
    try:
        outcome = _run(read_interactions(interactions), protocol, console)
    except (OSError, FileFormatError, NothingToAskError, StackError) as error:
        console.print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        Console().print(_table(outcome))


@evaluate.command()
def bandit(
    interactions: Annotated[Path, typer.Option(help="Tab-separated user, item, timestamp, rating; no header.")],
    reading: Annotated[Reading, typer.Option(help="What the protocol leaves open; see decision 33.")] = Reading.REPEATS,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Show arriving users one of ten things they rated, and learn from that outcome alone."""
    # It loads linear algebra, for which the other measurements need not wait.
    from maskenball.evaluate import bandit as game

    try:
        outcome = game.evaluate(read_interactions(interactions), reading)
    except (OSError, FileFormatError, TypedError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        Console().print(_figures_table("offer bandit, three games", outcome))


@evaluate.command()
def policy(
    log: Annotated[Path, typer.Option(help="JSON lines: candidates, action, propensity, reward.")],
    candidate: Annotated[str, typer.Option(help="uniform, best:FEATURE, or a file of chances by item for each line.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Estimate from logged decisions what another policy would have brought, and whether it may go live."""
    from maskenball.evaluate import policy as offpolicy

    try:
        outcome = offpolicy.evaluate(log, candidate)
    except (OSError, TypedError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        Console().print(_figures_table(f"instead of what was logged: {candidate}", outcome))


@evaluate.command()
def wishes(
    choices: Annotated[Path, typer.Option(help="Comma-separated persona, task, alternative, chosen, attributes.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line.")] = False,
) -> None:
    """Foretell choices of personas from few of their own: asked in order, at random, and what tells most."""
    # It loads linear algebra, for which the other measurements need not wait.
    from maskenball.evaluate import wishing

    try:
        outcome = wishing.evaluate(choices)
    except (OSError, TypedError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    else:
        Console().print(_foretold_table(outcome))


def _run(interactions: Interactions, protocol: Protocol, console: Console) -> dict[str, Any]:
    # Histories come with the requests: it needs nobody else.
    programs = tuple(replace(program, calls=()) for program in PROGRAMS if program.name == "recommendation")
    with tempfile.TemporaryDirectory(prefix="maskenball-evaluate-") as folder, progress_on(console) as progress:
        # PostgreSQL runs as somebody else when we are root, and has to reach its cluster.
        Path(folder).chmod(0o711)
        data = DataFolder(Path(folder) / "data")
        stack = LocalStack(data, progress=progress, stop_requested=threading.Event(), programs=programs)
        try:
            endpoints = stack.start()
            progress.begins(f"{protocol.value}: teaching and asking")
            return asyncio.run(_measure(interactions, protocol, endpoints, data))
        finally:
            stack.stop()


async def _measure(
    interactions: Interactions, protocol: Protocol, endpoints: dict[str, Any], data: DataFolder
) -> dict[str, Any]:
    service = Service(
        brand=endpoints["brand"],
        address=endpoints["grpc"]["recommendation"],
        nats_url=endpoints["nats"]["url"],
        epochs=EpochKeys(FolderKeyRing(data.keyring)),
    )
    return await evaluate_recommend(interactions, protocol, service)


def _figures_table(title: str, outcome: dict[str, Any]) -> Table:
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in outcome.items():
        table.add_row(name.replace("_", " "), str(value))
    return table


def _table(outcome: dict[str, Any]) -> Table:
    table = Table(title=f"{outcome['protocol']}: {outcome['users']} users, {outcome['items']} items, full ranking")
    table.add_column("metric")
    table.add_column("maskenball", justify="right")
    table.add_column("popularity", justify="right")
    for name in _SHOWN:
        table.add_row(name, f"{outcome[name]:.4f}", f"{outcome['baseline_popularity'][name]:.4f}")
    table.add_row("fit s", f"{outcome['fit_s']:.2f}", "")
    table.add_row("request p50 ms", f"{outcome['request_p50_ms']:.2f}", "")
    return table


def _found_table(outcome: dict[str, Any]) -> Table:
    recall, false_hits = outcome["recall"], outcome["false_hits_per_1000"]
    table = Table(title=f"recall {recall}, {false_hits} false hits in 1,000 of {outcome['texts_without_spans']} texts")
    for column in ("kind", "spans", "found", "recall", "counted"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind, row in outcome["by_kind"].items():
        table.add_row(
            kind,
            str(row["spans"]),
            str(row["found"]),
            f"{row['recall']:.4f}",
            "yes" if row["counted"] else "has no shape",
        )
    return table


def _judged_table(outcome: dict[str, Any]) -> Table:
    table = Table(title=f"{outcome['pack']}: {outcome['texts']} texts")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_row("macro F1", f"{outcome['macro_f1']:.4f}")
    for lang, value in outcome["macro_f1_by_lang"].items():
        table.add_row(f"macro F1, {lang}", f"{value:.4f}")
    for name in ("macro_f1", "balanced_macro_f1"):
        table.add_row(f"{name.replace('_', ' ')}, 95 %", " to ".join(f"{each:.4f}" for each in outcome[f"{name}_95"]))
    for name in _JUDGED:
        table.add_row(name.replace("_", " "), str(outcome[name]))
    for each in outcome["coverage"]:
        table.add_row(f"accuracy of the surest {each['coverage']:.0%}", f"{each['accuracy']:.4f}")
    return table


def _foretold_table(outcome: dict[str, Any]) -> Table:
    table = Table(title=f"{outcome['personas']} personas, part-worths of {outcome['columns']} columns")
    for column in ("questions, test, answers known", "hit rate", "log loss", "tested"):
        table.add_column(column, justify="left" if column.startswith("questions") else "right")
    for name, row in outcome.items():
        if isinstance(row, dict):
            told = f"{row['hit_rate']:.4f}", f"{row['log_loss']:.4f}", str(row["tested"])
            table.add_row(name.replace("_", " "), *told)
    return table

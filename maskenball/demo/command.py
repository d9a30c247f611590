"""`maskenball demo`: a hundred thousand real interactions become personas; one of them meets the brand's avatar."""

import datetime as dt
import json
import secrets
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from infra.local.errors import StackError
from infra.local.folder import DataFolder
from infra.local.stack import LocalStack
from kit.errors import UnavailableError
from maskenball.demo.dataset import Dataset, fetch
from maskenball.demo.encounter import Door, play
from maskenball.demo.replay import replay, visitor_handle
from maskenball.progress import progress_on

_FATES = ("received", "stored", "duplicate", "quarantined", "suppressed")
_ITEMS_A_REQUEST = 500
_FOLD_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class _Shop:
    """The running stack, as the demo uses it."""

    endpoints: Mapping[str, str]
    staff: httpx.Client

    def stock(self, dataset: Dataset) -> None:
        items = [
            {"item": film.item, "title": film.title, "topics": list(film.topics)} for film in dataset.films.values()
        ]
        for start in range(0, len(items), _ITEMS_A_REQUEST):
            page = {"items": items[start : start + _ITEMS_A_REQUEST]}
            self.staff.put("/v1/catalogue/items", json=page).raise_for_status()

    def books(self) -> Counter[str]:
        answer = self.staff.get("/v1/books").raise_for_status().json()
        total: Counter[str] = Counter()
        for line in answer["lines"]:
            total.update({fate: int(line[fate]) for fate in (*_FATES, "pending")})
        return total

    def facets(self) -> int:
        return int(self.staff.get("/v1/facets/count").raise_for_status().json()["facets"])

    def await_folded(self, received: int) -> Counter[str]:
        deadline = time.monotonic() + _FOLD_TIMEOUT_S
        while (books := self.books())["received"] < received or books["pending"]:
            if time.monotonic() > deadline:
                raise UnavailableError("the folder did not reach the end of the stream in time")
            time.sleep(0.25)
        return books


def demo(
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its data; emptied first.")] = Path(
        ".maskenball/demo"
    ),
    cache_dir: Annotated[Path, typer.Option(help="Where the downloaded data set is kept.")] = Path(".cache/demo"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as one JSON line at the end.")] = False,
) -> None:
    """Replay MovieLens 100k through the Segment client, then play an encounter with an avatar."""
    started = time.monotonic()
    console = Console(stderr=as_json)
    try:
        outcome = _perform(data_dir, cache_dir, console)
    except (StackError, UnavailableError) as error:
        console.print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    outcome["seconds"] = round(time.monotonic() - started, 1)
    console.print(f"\nDone in {outcome['seconds']} s. [bold]What to try next[/bold]")
    console.print(
        f"  .venv/bin/maskenball up --data-dir {data_dir}   goes on with these personas\n"
        "  docs/tour.md                                            the same encounter by hand\n"
        "  make help                                               tests, benchmarks, worlds",
        highlight=False,
    )
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")


def _perform(data_dir: Path, cache_dir: Path, console: Console) -> dict[str, object]:
    console.print("[bold]1. Real input[/bold]: MovieLens 100k, 943 people rating 1,682 films")
    dataset = fetch(cache_dir)
    console.print("[bold]2. The platform[/bold], on real PostgreSQL and NATS")
    if data_dir.exists():
        shutil.rmtree(data_dir)
    with progress_on(console) as progress:
        stack = LocalStack(DataFolder(data_dir), progress=progress, stop_requested=threading.Event())
        try:
            endpoints = {name: value for name, value in stack.start().items() if isinstance(value, str)}
            progress.ends()
            return _visit(endpoints, dataset, console)
        finally:
            console.print()
            stack.stop()


def _visit(endpoints: Mapping[str, str], dataset: Dataset, console: Console) -> dict[str, object]:
    staff = httpx.Client(
        base_url=endpoints["gateway"], headers={"Authorization": f"Bearer {endpoints['staff_key']}"}, timeout=30
    )
    with staff:
        shop = _Shop(endpoints, staff)
        shop.stock(dataset)
        console.print("[bold]3. Their ratings[/bold], through the unmodified Segment client, the last one moved to now")
        world_secret = secrets.token_bytes(32)
        began = time.monotonic()
        sent = replay(
            dataset,
            host=endpoints["gateway"],
            write_key=endpoints["world_write_key"],
            world_secret=world_secret,
            ends_at=dt.datetime.now(dt.UTC),
        )
        books = shop.await_folded(sent)
        took = time.monotonic() - began
        console.print(f"  {sent:,} interactions sent, acknowledged and folded in {took:.1f} s ({sent / took:,.0f}/s)")
        console.print("[bold]4. An encounter[/bold] in the world Oak Street")
        encounter = _meet(endpoints, dataset, world_secret, console)
        books = shop.await_folded(sent)
        personas = shop.facets()
        console.print("[bold]5. The books[/bold]")
        console.print(_ledger(books, personas))
    return {
        "personas": personas,
        "interactions": sent,
        "books": {fate: books[fate] for fate in _FATES},
        "encounter": encounter,
    }


def _meet(endpoints: Mapping[str, str], dataset: Dataset, world_secret: bytes, console: Console) -> dict[str, object]:
    doors = [
        Door(endpoints["adapter"], endpoints[token], endpoints[world], endpoints["avatar"])
        for world, token in (("world", "world_token"), ("second_world", "second_world_token"))
    ]
    most_active, _ = Counter(rating.visitor for rating in dataset.ratings).most_common(100)[-1]
    try:
        return play(doors[0], doors[1], visitor_handle(world_secret, most_active), console)
    finally:
        for door in doors:
            door.close()


def _ledger(books: Counter[str], personas: int) -> Table:
    table = Table(*_FATES, "personas")
    table.add_row(*(f"{books[fate]:,}" for fate in _FATES), f"{personas:,}")
    balance = books["received"] == sum(books[fate] for fate in _FATES[1:])
    table.caption = (
        "received = stored + duplicate + quarantined + suppressed" if balance else "THE BOOKS DO NOT BALANCE"
    )
    return table

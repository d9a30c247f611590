"""Replays the ratings through the unmodified Segment client, as the world's own server would send them."""

import base64
import datetime as dt
import hashlib
import logging
import time
from collections.abc import Iterable
from typing import Any

import segment.analytics as segment
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from maskenball.demo.dataset import Dataset, Film, Rating

_QUEUE = 2_000
_PURPOSES = ("collect.behaviour", "personalise.world", "recommend.offer", "remember.conversation", "research.model")


class _EventsPerSecond(TextColumn):
    def render(self, task: Any) -> Any:
        rate = task.finished_speed or task.speed or 0
        task.fields["rate"] = f"{rate:,.0f}/s"
        return super().render(task)


def visitor_handle(world_secret: bytes, local_name: str) -> str:
    """Return what a world calls a visitor towards the platform: a hash, so that the name never leaves the world."""
    digest = hashlib.sha256(world_secret + local_name.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()[:22]


def replay(dataset: Dataset, *, host: str, write_key: str, world_secret: bytes, ends_at: dt.datetime) -> int:
    """Send every rating once and return how many the client delivered; raises what the client reports as lost."""
    logging.getLogger("segment").setLevel(logging.CRITICAL)
    lost: list[Exception] = []
    client = segment.Client(
        write_key, host=host, max_queue_size=_QUEUE, thread=2, on_error=lambda error, _items: lost.append(error)
    )
    shift = ends_at.timestamp() - dataset.ratings[-1].at
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _EventsPerSecond("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, refresh_per_second=4) as progress:
        bar = progress.add_task("sending", total=len(dataset.ratings), rate="")
        for count, event in enumerate(_events(dataset.ratings, dataset.films, world_secret, shift), start=1):
            # The client refuses an event when its queue is full; whoever must not lose any hands it over again.
            while not client.track(**event)[0]:
                time.sleep(0.01)
            if count % 500 == 0:
                progress.update(bar, completed=count)
        client.flush()
        progress.update(bar, completed=len(dataset.ratings))
    client.join()
    if lost:
        raise lost[0]
    return len(dataset.ratings)


def _events(
    ratings: Iterable[Rating], films: dict[str, Film], world_secret: bytes, shift: float
) -> Iterable[dict[str, Any]]:
    handles: dict[str, str] = {}
    context = {"consent": {"categoryPreferences": dict.fromkeys(_PURPOSES, True)}}
    for rating in ratings:
        handle = handles.setdefault(rating.visitor, visitor_handle(world_secret, rating.visitor))
        yield {
            "user_id": handle,
            "event": "Product Reviewed",
            "properties": {"product_id": rating.item, "rating": rating.stars, "categories": films[rating.item].topics},
            "context": context,
            "timestamp": dt.datetime.fromtimestamp(rating.at + shift, tz=dt.UTC),
        }

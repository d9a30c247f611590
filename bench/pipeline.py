"""The door's own work on one core, without network: parse, pseudonymise, filter, encode, encrypt.

`python -m bench.pipeline` measures it alone and starts nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import events
from bench.preparing import Stack, now_text
from bench.report import Result, show
from contracts.interaction.v1.payload import Interaction
from doors.publish import Sealer, parcels
from doors.subjects import EdgeKeys
from gateway import parse
from gateway.sources import load_sources
from gateway.translate import Request, Translator
from gateway.vocabulary import load_vocabulary
from kit.epochs import EpochKeys
from kit.keyring import FolderKeyRing

_PARTITIONS = 1
_SOURCE = "app:shop"


def measure(stack: Stack, bodies: Sequence[bytes], seconds: float) -> Result:
    """Take the bodies again and again and return events per second of CPU, with the keys of a running stack."""
    return run(FolderKeyRing(Path(stack.endpoints["data_dir"]) / "keyring"), bodies, seconds)


def run(keyring: FolderKeyRing, bodies: Sequence[bytes], seconds: float) -> Result:
    """Take the bodies again and again; the note tells the best round, when nobody else took turns on the core."""
    vocabulary = load_vocabulary()
    translator, sealer = Translator(vocabulary), Sealer(EpochKeys(keyring), vocabulary.version)
    edge_keys, sources = EdgeKeys(keyring), load_sources()
    meaning = sources.consent_categories(_SOURCE), sources.consent_strings(_SOURCE)
    now_ms = time.time_ns() // 1_000_000
    total, rounds, started = 0, [], time.process_time()
    while time.process_time() - started < seconds or not rounds:
        taken, began = 0, time.process_time()
        for body in bodies:
            batch = parse.read_batch(body)
            request = Request(_SOURCE, edge_keys.of(_SOURCE), *meaning, now_ms, 0, False, batch.context, "")
            fates = [translator.translate(request, raw) for raw in batch.batch]
            for parcel in parcels(fates, _PARTITIONS):
                sealer.seal("oak", parcel.partition, parcel.fates)
            taken += sum(isinstance(fate, Interaction) for fate in fates)
        rounds.append((time.process_time() - began) / taken)
        total += taken
    mean, best = (time.process_time() - started) / total, min(rounds)
    return Result(
        "door_pipeline",
        "events/s of one core",
        round(1 / mean, 1),
        cpu_s_per_10k=round(mean * 1e4, 3),
        note=f"best round of {len(rounds)}: {1 / best:,.0f} events/s, {best * 1e4:.3f} CPU s per 10,000",
    )


def main() -> None:
    """Measure alone, with keys of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU seconds")
    parser.add_argument("--crowd", type=int, default=3_000, help="users that events are drawn from")
    options = parser.parse_args()
    bodies = list(events.batches(events.Crowd(options.crowd, 1), "run", now_text(), size=100, count=20))
    with tempfile.TemporaryDirectory(prefix="maskenball-bench-") as folder:
        keyring = FolderKeyRing(Path(folder))
        keyring.create("edge")
        show("pipeline", [run(keyring, bodies, options.seconds)], Console())


if __name__ == "__main__":
    main()

"""The door's own work on one core, without network: parse, pseudonymise, filter, encode, encrypt."""

import time
from collections.abc import Sequence
from pathlib import Path

from bench.preparing import Stack
from bench.report import Result
from contracts.interaction.v1.payload import Interaction
from doors.publish import Sealer, parcels
from doors.subjects import EdgeKeys
from gateway import parse
from gateway.sources import load_sources
from gateway.translate import Request, Translator
from gateway.vocabulary import load_vocabulary
from kit.epochs import EpochKeys
from kit.keyring import FolderKeyRing

_PARTITIONS = 4


def measure(stack: Stack, bodies: Sequence[bytes], seconds: float) -> Result:
    """Take the bodies again and again and return events per second of CPU."""
    keyring = FolderKeyRing(Path(stack.endpoints["data_dir"]) / "keyring")
    keys, categories = EdgeKeys(keyring).of("app:shop"), load_sources().consent_categories("app:shop")
    vocabulary = load_vocabulary()
    translator, sealer = Translator(vocabulary), Sealer(EpochKeys(keyring), vocabulary.version)
    now_ms = time.time_ns() // 1_000_000
    events, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        for body in bodies:
            batch = parse.read_batch(body)
            request = Request("app:shop", keys, categories, now_ms, 0, False, batch.context, "")
            fates = [translator.translate(request, raw) for raw in batch.batch]
            for parcel in parcels(fates, _PARTITIONS):
                sealer.seal("oak", parcel.partition, parcel.fates)
            events += sum(isinstance(fate, Interaction) for fate in fates)
    taken = time.process_time() - started
    return Result(
        "door_pipeline", "events/s of one core", round(events / taken, 1), cpu_s_per_10k=round(taken / events * 1e4, 3)
    )

"""`python -m services.profile replay`: reads real history once more, and tells what a candidate would change.

It says what it does on standard output, a JSON object a line: {"shards", "of"} while it works, then one with what it
found, or with the {"refused"} reason. It ends with 0; with 1 when it refused, with 2 when recomputed is not live.
"""

import argparse
import asyncio
import datetime as dt
import re
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import msgspec

from kit import process
from kit.db import Database
from kit.errors import InvalidArgumentError, Status, TypedError
from kit.keyring import FolderKeyRing
from kit.process import Readiness
from kit.rpc import connect
from kit.tenancy import acting_for
from services.profile.candidate import live_pack, load_candidate
from services.profile.clients import ConsentClient
from services.profile.comparing import told
from services.profile.domain import SHARDS
from services.profile.replaying import Trial, Window
from services.profile.settings import ProfileSettings
from services.profile.use_cases.replay import Sources, replay
from services.profile.weights import load_weights

_LENGTH = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MOMENTS = "an ISO date or time, or how long ago: 90s, 30m, 12h, 7d, 2w"
_REFUSED, _DIFFERS = 1, 2


class ReplaySettings(ProfileSettings):
    """A replay reads databases, keys and consents, and no stream."""

    needs: ClassVar[tuple[str, ...]] = ("database_url", "vault_url", "keyring_dir", "consent_address")

    process: str = "profile_replay"


class StoppedError(TypedError):
    """Somebody stopped it before the end; nothing is told of a part."""

    reason = "STOPPED"
    status = Status.UNAVAILABLE


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InvalidArgumentError(message, field="arguments")


def main(arguments: Sequence[str]) -> int:
    """Replay as the arguments say, and return the status to end with."""
    began, now_ms = time.monotonic(), time.time_ns() // 1_000_000
    try:
        trial = _trial(arguments, now_ms)
        outcome = _run(trial, ReplaySettings.load())
    except TypedError as error:
        refused = {"reason": error.reason, "field": error.field, "limit": error.limit, "message": error.message}
        _say({"refused": refused})
        return _REFUSED
    _say({**_about(trial), **outcome, "seconds": round(time.monotonic() - began, 2)})
    check = outcome["check"]
    return _DIFFERS if outcome["unreadable"] or (check and check["differing"]) else 0


def moment_ms(said: str | None, field: str, now_ms: int) -> int | None:
    """Return the moment that is meant, in milliseconds since 1970 UTC; raises InvalidArgumentError."""
    if said is None:
        return None
    length = _LENGTH.fullmatch(said)
    if length:
        return now_ms - int(length[1]) * _SECONDS[length[2]] * 1_000
    try:
        moment = dt.datetime.fromisoformat(said)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        return round(aware.timestamp() * 1_000)
    except (ValueError, OverflowError) as error:
        raise InvalidArgumentError("no moment", field=field, limit=_MOMENTS) from error


def _trial(arguments: Sequence[str], now_ms: int) -> Trial:
    parser = _Parser(prog="python -m services.profile replay", allow_abbrev=False)
    parser.add_argument("--from", dest="from_")
    parser.add_argument("--until")
    parser.add_argument("--pack", type=Path)
    said = parser.parse_args(arguments)
    window = Window(moment_ms(said.from_, "from", now_ms), moment_ms(said.until, "until", now_ms))
    if window.from_ms is not None and window.from_ms >= (now_ms if window.until_ms is None else window.until_ms):
        raise InvalidArgumentError("nothing lies between", field="from", limit="before until, and in the past")
    candidate = None if said.pack is None else load_candidate(said.pack)
    as_of_ms = now_ms if window.until_ms is None else min(now_ms, window.until_ms)
    return Trial(load_weights(), window, as_of_ms, candidate)


def _run(trial: Trial, settings: ReplaySettings) -> dict[str, Any]:
    ended: list[dict[str, Any] | TypedError] = []

    async def perform(settings: ReplaySettings, stop: asyncio.Event, _: Readiness) -> None:
        # A refusal is an answer here, and no fault of the process, which would log it and say no more.
        try:
            ended.append(await _perform(settings, stop, trial))
        except TypedError as error:
            ended.append(error)

    process.run(perform, settings)
    (outcome,) = ended
    if isinstance(outcome, TypedError):
        raise outcome
    return outcome


async def _perform(settings: ReplaySettings, stop: asyncio.Event, trial: Trial) -> dict[str, Any]:
    async with AsyncExitStack() as closing:
        closing.enter_context(acting_for(settings.brand))
        profile = Database(settings.database_url, pool_size=2, tls=settings.tls)
        vault = Database(settings.vault_url, pool_size=2, tls=settings.tls)
        closing.push_async_callback(profile.dispose)
        closing.push_async_callback(vault.dispose)
        channel = await closing.enter_async_context(connect(settings.consent_address, settings.tls))
        if settings.keyring_dir is None:
            raise ValueError("keyring_dir")
        sources = Sources(profile, vault, FolderKeyRing(settings.keyring_dir), ConsentClient(channel))
        done = 0

        def on_shard() -> None:
            nonlocal done
            done += 1
            _say({"shards": done, "of": SHARDS})

        working = asyncio.create_task(replay(sources, settings.brand, range(SHARDS), trial, on_shard))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
        if working.cancelled():
            raise StoppedError("stopped before the end")
        return told(working.result(), is_whole=trial.window.is_whole)


def _about(trial: Trial) -> dict[str, Any]:
    live, candidate = live_pack(), trial.candidate
    tried = None if candidate is None else {"id": candidate.id, "version": candidate.version}
    changes = () if candidate is None else candidate.changes
    return {
        "from": _iso(trial.window.from_ms),
        "until": _iso(trial.window.until_ms),
        "as_of": _iso(trial.at_ms),
        "live": {"id": live.id, "version": live.version},
        "candidate": tried,
        "changes": [dict(zip(("field", "live", "candidate"), change, strict=True)) for change in changes],
    }


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC).isoformat()


def _say(line: dict[str, Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.flush()

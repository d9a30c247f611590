"""The consent process: `python -m services.consent`."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from contracts.consent.v1.consent_pb2 import DESCRIPTOR
from contracts.consent.v1.consent_pb2_grpc import add_ConsentServiceServicer_to_server
from kit import process
from kit.db import Database
from kit.fence import Authority, FileMarks, Marks, Names, boottime_ns
from kit.fence.seat import Seat
from kit.keyring import FolderKeyRing, KeyRing
from kit.process import Readiness
from kit.rpc import RpcServer, build_server
from kit.signatures import RECEIPTS, Signer
from kit.tenancy import acting_for_every_brand
from services.consent.notices import load_notice
from services.consent.purposes import load_purposes
from services.consent.receipts import TYPE, Receipts
from services.consent.repository import consents as repository
from services.consent.rpc import ConsentRpc
from services.consent.settings import ConsentSettings
from services.consent.tables import epochs
from services.consent.use_cases.surroundings import Surroundings


@asynccontextmanager
async def serving(settings: ConsentSettings, database: Database) -> AsyncIterator[RpcServer]:
    """Answer at the settings' address until left. Grants and withdrawals are answered once the seat is taken."""
    marks = _marks(settings)
    authority = Authority(boottime_ns, term_ns=int(settings.fence_term_s * 1e9), marks=marks)
    seat = Seat(database, epochs, authority, repository.mend)
    around = _around(settings, marks)
    keyring = FolderKeyRing(_folder(settings))
    receipts = Receipts(database, _signer(keyring), around.now_ms)
    server = _build(settings, ConsentRpc(database, around, receipts, seat, Names(keyring)))
    # A group: were the election to end, the process must.
    async with asyncio.TaskGroup() as tasks:
        with acting_for_every_brand():
            sitting = tasks.create_task(seat.run())
        await server.start()
        try:
            yield server
        finally:
            # Readers would hold their streams open for as long as the server's grace.
            authority.close()
            await server.stop()
            sitting.cancel()


def _build(settings: ConsentSettings, servicer: ConsentRpc) -> RpcServer:
    name = DESCRIPTOR.services_by_name["ConsentService"].full_name
    return build_server(settings, [(add_ConsentServiceServicer_to_server, servicer, name)])


def _marks(settings: ConsentSettings) -> Marks:
    return FileMarks(settings.fence_marks_file or _folder(settings) / "fence" / "marks.json")


def _around(settings: ConsentSettings, marks: Marks) -> Surroundings:
    purposes = load_purposes(settings.purposes_file)
    notice = load_notice(purposes, settings.notice_file)
    return Surroundings(purposes, notice, lambda: time.time_ns() // 1_000_000, _new_id, marks)


def _signer(keyring: KeyRing) -> Signer:
    keyring.ensure(RECEIPTS)
    return Signer(keyring, RECEIPTS, TYPE)


def _folder(settings: ConsentSettings) -> Path:
    if settings.keyring_dir is None:
        raise RuntimeError("load() refuses to start without keyring_dir")
    return settings.keyring_dir


def _new_id() -> str:
    return uuid.uuid4().hex


async def main(settings: ConsentSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    database = Database(settings.database_url, pool_size=settings.database_pool, tls=settings.tls)
    readiness.add("database", database.ping)
    try:
        async with serving(settings, database):
            await stop.wait()
    finally:
        await database.dispose()


if __name__ == "__main__":
    process.run(main, ConsentSettings.load())

"""The consent process: `python -m services.consent`."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.consent.v1.consent_pb2 import DESCRIPTOR
from contracts.consent.v1.consent_pb2_grpc import add_ConsentServiceServicer_to_server
from kit import process
from kit.db import Database
from kit.fence import Authority, FileMarks, Marks, NoMarks, Seat, boottime_ns
from kit.process import Readiness
from kit.rpc import RpcServer, build_server
from kit.telemetry import logger
from services.consent import repository
from services.consent.purposes import load_purposes
from services.consent.rpc import ConsentRpc
from services.consent.settings import ConsentSettings
from services.consent.tables import epochs
from services.consent.use_cases import Surroundings

_LOG = logger(__name__)


@asynccontextmanager
async def serving(settings: ConsentSettings, database: Database) -> AsyncIterator[RpcServer]:
    """Answer at the settings' address until left. Grants and withdrawals are answered once the seat is taken."""
    marks = _marks(settings)
    authority = Authority(boottime_ns, term_ns=int(settings.fence_term_s * 1e9), marks=marks)
    seat = Seat(database, epochs, authority, repository.mend)
    server = _build(settings, ConsentRpc(database, _around(settings, marks), authority, seat))
    # A group: were the election to end, the process must.
    async with asyncio.TaskGroup() as tasks:
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
    if settings.fence_marks_file is not None:
        return FileMarks(settings.fence_marks_file)
    if settings.keyring_dir is not None:
        return FileMarks(settings.keyring_dir / "fence" / "marks.json")
    _LOG.warning("marks.missing")
    return NoMarks()


def _around(settings: ConsentSettings, marks: Marks) -> Surroundings:
    return Surroundings(load_purposes(settings.purposes_file), lambda: time.time_ns() // 1_000_000, _new_id, marks)


def _new_id() -> str:
    return uuid.uuid4().hex


async def main(settings: ConsentSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    database = Database(settings.database_url, pool_size=settings.database_pool)
    readiness.add("database", database.ping)
    try:
        async with serving(settings, database):
            await stop.wait()
    finally:
        await database.dispose()


if __name__ == "__main__":
    process.run(main, ConsentSettings.load())

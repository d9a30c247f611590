"""The consent process: `python -m services.consent`."""

import asyncio
import time
import uuid

from contracts.consent.v1.consent_pb2 import DESCRIPTOR
from contracts.consent.v1.consent_pb2_grpc import add_ConsentServiceServicer_to_server
from kit import process
from kit.db import Database
from kit.process import Readiness
from kit.rpc import RpcServer, build_server
from services.consent.purposes import load_purposes
from services.consent.rpc import ConsentRpc
from services.consent.settings import ConsentSettings
from services.consent.use_cases import Surroundings


def serve_consent(settings: ConsentSettings, database: Database) -> RpcServer:
    """Bind the service to its address; it answers after start()."""
    around = Surroundings(load_purposes(settings.purposes_file), lambda: time.time_ns() // 1_000_000, _new_id)
    name = DESCRIPTOR.services_by_name["ConsentService"].full_name
    return build_server(settings, [(add_ConsentServiceServicer_to_server, ConsentRpc(database, around), name)])


def _new_id() -> str:
    return uuid.uuid4().hex


async def main(settings: ConsentSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    database = Database(settings.database_url, pool_size=settings.database_pool)
    readiness.add("database", database.ping)
    try:
        await serve_consent(settings, database).serve(stop)
    finally:
        await database.dispose()


if __name__ == "__main__":
    process.run(main, ConsentSettings.load())

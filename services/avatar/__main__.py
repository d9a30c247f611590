"""The avatar process: `python -m services.avatar`."""

import asyncio
import secrets
import time

from grpc.aio import Channel

from contracts.avatar.v1.avatar_pb2 import DESCRIPTOR
from contracts.avatar.v1.avatar_pb2_grpc import add_AvatarServiceServicer_to_server
from kit.cancelling import rest
from kit.db import Database
from kit.errors import UnavailableError
from kit.process import Readiness, run
from kit.rpc import RpcServer, build_server, connect
from kit.telemetry import logger
from kit.tenancy import acting_for_every_brand
from services.avatar import use_cases
from services.avatar.avatars import load_avatars
from services.avatar.clients import Profiles, Rankings
from services.avatar.rpc import AvatarRpc
from services.avatar.settings import AvatarSettings
from services.avatar.use_cases import Catalogues, Surroundings

_LOG = logger(__name__)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def serve_avatar(
    settings: AvatarSettings, database: Database, profiles: Profiles, recommendation: Channel
) -> RpcServer:
    """Bind the service to its address; it answers after start()."""
    around = Surroundings(
        avatars=load_avatars(settings.avatars_dir),
        catalogues=Catalogues(),
        now_ms=now_ms,
        new_receipt=lambda: secrets.token_hex(16),
        new_ref=lambda: secrets.token_hex(8),
    )
    servicer = AvatarRpc(database, around, profiles, Rankings(recommendation))
    name = DESCRIPTOR.services_by_name["AvatarService"].full_name
    return build_server(settings, [(add_AvatarServiceServicer_to_server, servicer, name)])


async def main(settings: AvatarSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    database = Database(settings.database_url, pool_size=settings.database_pool, tls=settings.tls)
    readiness.add("database", database.ping)
    try:
        async with (
            connect(settings.profile_address, settings.tls) as profile,
            connect(settings.recommendation_address, settings.tls) as recommendation,
            asyncio.TaskGroup() as tasks,
        ):
            profiles = Profiles(profile)
            server = serve_avatar(settings, database, profiles, recommendation)
            with acting_for_every_brand():
                tasks.create_task(sweep_until(stop, database, settings.sweep_every_s))
            reporting = tasks.create_task(profiles.report(settings.report_every_s))
            await server.serve(stop)
            reporting.cancel()
    finally:
        await database.dispose()


async def sweep_until(stop: asyncio.Event, database: Database, every_s: float) -> None:
    """Delete what ran out, again and again."""
    while not stop.is_set():
        try:
            async with database.transaction() as connection:
                count = await use_cases.sweep(connection, now_ms())
            if count:
                _LOG.info("encounters.swept", count=count)
        except UnavailableError:
            _LOG.warning("sweep.postponed")
        await rest(stop, every_s)


if __name__ == "__main__":
    run(main, AvatarSettings.load())

"""The gateway process: `python -m gateway`."""

import asyncio

from doors.publish import Publisher, Sealer
from doors.stream import STREAM, JetStream
from doors.subjects import EdgeKeys
from gateway.app import build_app
from gateway.clients import Services, open_services
from gateway.domain import MAX_REST_BYTES
from gateway.rest import Rest, build_rest
from gateway.settings import GatewaySettings
from gateway.sources import load_sources
from gateway.tracking import Door, Tracking
from gateway.translators import Translators
from kit import events, process
from kit.credentials import Credentials
from kit.epochs import EpochKeys
from kit.http import bounded, serve
from kit.http.types import App
from kit.keyring import FolderKeyRing
from kit.process import Readiness


async def main(settings: GatewaySettings, stop: asyncio.Event, readiness: Readiness) -> None:
    client = await events.connect(settings)
    try:
        stream = JetStream(client)
        readiness.add("stream", stream.check)
        await process.wait_for(lambda: stream.prepare(settings.interactions_stream_max_bytes), STREAM)
        async with open_services(settings) as services:
            app, publisher = build(settings, stream, services, readiness)
            await serve(app, settings.http_address, stop)
            await publisher.drain()
    finally:
        await client.close()


def build(
    settings: GatewaySettings, stream: JetStream, services: Services, readiness: Readiness
) -> tuple[App, Publisher]:
    """Return the application, and what must be drained once it no longer serves."""
    if settings.keyring_dir is None or settings.credentials_file is None:
        raise RuntimeError("load() refuses to start without keyring_dir and credentials_file")
    keyring = FolderKeyRing(settings.keyring_dir)
    credentials = Credentials(settings.credentials_file, keyring.current("pepper").secret)
    edge_keys = EdgeKeys(keyring)
    sources = load_sources(settings.sources_file)
    translators = Translators(sources, settings.vocabulary_file, settings.vocabularies_dir)
    sealer = Sealer(EpochKeys(keyring), translators.version)
    publisher = Publisher(stream, sealer, max_waiting=settings.max_waiting_bytes)
    door = Door(
        credentials=credentials,
        edge_keys=edge_keys,
        sources=sources,
        translators=translators,
        publisher=publisher,
        partitions=settings.partitions,
        max_requests=settings.max_requests,
    )
    rest = build_rest(Rest(credentials, edge_keys, services, readiness))
    bound = bounded(rest, max_bytes=MAX_REST_BYTES, max_requests=settings.max_requests)
    return build_app(Tracking(door), bound), publisher


if __name__ == "__main__":
    process.run(main, GatewaySettings.load())

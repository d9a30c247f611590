"""The gateway process: `python -m gateway`."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack

from doors.proofs import Proofs
from doors.publish import Publisher, Sealer, Stream
from doors.stream import STREAM, JetStream
from doors.subjects import EdgeKeys
from doors.texts import Texts
from gateway.app import build_app
from gateway.clients import Services, open_services
from gateway.domain import MAX_REST_BYTES, POWER_CUT, PROCESS_DEATH
from gateway.endpoints import build_endpoints
from gateway.people import People
from gateway.rest import Rest
from gateway.settings import GatewaySettings
from gateway.sources import Sources, load_sources
from gateway.tracking import Door, Tracking
from gateway.translators import Translators
from kit import events, process
from kit.credentials import Credentials
from kit.epochs import EpochKeys
from kit.filtering.presidio import PresidioJudge
from kit.filtering.shadow import Shadow, judging
from kit.http import bounded, serve
from kit.http.signed import Signatures
from kit.http.types import App
from kit.keyring import FolderKeyRing, KeyRing
from kit.process import Readiness, look_for_cycles_seldom
from kit.telemetry import logger
from relationships.judging import load_judge

_LOG = logger(__name__)


async def main(settings: GatewaySettings, stop: asyncio.Event, readiness: Readiness) -> None:
    if settings.keyring_dir is None:
        raise RuntimeError("load() refuses to start without keyring_dir")
    look_for_cycles_seldom()
    keyring = FolderKeyRing(settings.keyring_dir)
    sources, texts = load_sources(settings.sources_file), Texts(load_judge)
    await texts.load(readiness)
    async with AsyncExitStack() as closing:
        streams = await open_streams(settings, sources, readiness, closing)
        services = await closing.enter_async_context(open_services(settings))
        translators = translators_of(settings, sources, open_shadow(settings.shadow_share, closing))
        door = open_door(settings, keyring, translators, streams, texts)
        app = build(settings, keyring, door, services, readiness)
        # A group: were reporting to end, the process must.
        async with asyncio.TaskGroup() as tasks:
            reporting = tasks.create_task(services.report(settings.report_every_s))
            await serve(app, settings.http_address, stop)
            reporting.cancel()
        for publisher in door.publishers.values():
            await publisher.drain()


async def open_streams(
    settings: GatewaySettings, sources: Sources, readiness: Readiness, closing: AsyncExitStack
) -> dict[int, JetStream]:
    """Return the stream of class 2, and that of class 1 where a source asks for it, which nobody waits for."""
    client = await events.connect(settings)
    closing.push_async_callback(client.close)
    streams = {POWER_CUT: JetStream(client)}
    readiness.add("stream", streams[POWER_CUT].check)
    most_bytes = settings.interactions_stream_max_bytes
    await process.wait_for(lambda: streams[POWER_CUT].prepare(most_bytes), STREAM)
    if PROCESS_DEATH not in sources.durability_classes:
        return streams
    if not settings.nats_class_1_url:
        _LOG.warning("durability.raised", asked=PROCESS_DEATH, given=POWER_CUT)
        return streams
    stream = streams[PROCESS_DEATH] = JetStream(await closing.enter_async_context(events.connecting(settings)))
    readiness.add("stream_class_1", stream.check)
    tasks = await closing.enter_async_context(asyncio.TaskGroup())
    preparing = tasks.create_task(process.wait_for(lambda: stream.prepare(most_bytes), f"{STREAM} of class 1"))
    closing.callback(preparing.cancel)
    return streams


def open_shadow(share: float, closing: AsyncExitStack) -> Shadow | None:
    """Begin to judge a share of what passes the filter; refuses to start when there is nobody to judge."""
    if not share:
        return None
    try:
        judge = PresidioJudge()
    except ImportError as error:
        raise RuntimeError("MASKENBALL_SHADOW_SHARE needs the extra: pip install maskenball[shadow]") from error
    shadow = Shadow(judge, share)
    closing.enter_context(judging(shadow))
    return shadow


def translators_of(settings: GatewaySettings, sources: Sources, shadow: Shadow | None = None) -> Translators:
    """Read the packs of all sources."""
    passed = shadow.offer if shadow else None
    return Translators(sources, settings.vocabulary_file, settings.vocabularies_dir, passed)


def open_door(
    settings: GatewaySettings, keyring: KeyRing, translators: Translators, streams: Mapping[int, Stream], texts: Texts
) -> Door:
    """Return what events come in by; its publishers must be drained once it no longer serves."""
    if settings.credentials_file is None:
        raise RuntimeError("load() refuses to start without credentials_file")
    sealer = Sealer(EpochKeys(keyring), translators.version)
    return Door(
        credentials=Credentials(settings.credentials_file, keyring.current("pepper").secret),
        edge_keys=EdgeKeys(keyring),
        sources=translators.sources,
        translators=translators,
        publishers={
            durability: Publisher(stream, sealer, max_waiting=settings.max_waiting_bytes)
            for durability, stream in streams.items()
        },
        partitions=settings.partitions,
        max_requests=settings.max_requests,
        texts=texts,
    )


def build(settings: GatewaySettings, keyring: KeyRing, door: Door, services: Services, readiness: Readiness) -> App:
    """Return the application."""
    people = People(door.edge_keys, Proofs(keyring, time.time), door.publishers[POWER_CUT], settings.partitions)
    signatures = Signatures(door.credentials.public_key, time.time)
    rest = build_endpoints(Rest(door.credentials, people, services, readiness), door.translators, signatures)
    bound = bounded(rest, max_bytes=MAX_REST_BYTES, max_requests=settings.max_requests)
    return build_app(Tracking(door), bound)


if __name__ == "__main__":
    process.run(main, GatewaySettings.load())

"""Starts the door to virtual worlds: python -m avatar_adapter."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from avatar_adapter import hints
from avatar_adapter.app import Guard, build_app
from avatar_adapter.clients import Catalogue
from avatar_adapter.copies import Copies, Fence, Who
from avatar_adapter.domain import World
from avatar_adapter.limiting import RateLimiter
from avatar_adapter.names import Names
from avatar_adapter.persons import Persons
from avatar_adapter.reception import Reception
from avatar_adapter.settings import AdapterSettings
from avatar_adapter.use_cases import Door
from avatar_adapter.visits import EDGE_FAMILY, Visits
from avatar_adapter.vocabulary import Vocabulary
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub
from contracts.consent.v1 import consent_pb2
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from contracts.interaction.v1.payload import Interaction
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from doors.proofs import Proofs
from doors.publish import Publisher, Sealer, parcels
from doors.stream import STREAM, JetStream
from doors.subjects import EdgeKeys
from doors.texts import Texts
from kit import events, rpc
from kit.credentials import Credentials
from kit.epochs import EpochKeys
from kit.fence import Familiar, FencedCache, Stream, boottime_ns, follow
from kit.http import serve
from kit.keyring import FolderKeyRing, KeyMissingError
from kit.process import Check, Readiness, run, wait_for
from kit.tls import Tls
from relationships.judging import load_judge

if TYPE_CHECKING:
    # The generated module has it in its types alone.
    from contracts.consent.v1.consent_pb2_grpc import ConsentServiceAsyncStub

# Off every lease: the two clocks may run at different rates.
_MARGIN_NS = 50_000_000


async def main(settings: AdapterSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    """Serve until `stop` is set."""
    assert settings.keyring_dir is not None  # noqa: S101 - `needs` has refused the start without it
    assert settings.credentials_file is not None  # noqa: S101 - as above
    keyring, texts = FolderKeyRing(settings.keyring_dir), Texts(load_judge)
    await texts.load(readiness)
    await wait_for(_has_keys(keyring), "key ring", expected=(KeyMissingError,))
    nats = await events.connect(settings)
    channel = rpc.connect(settings.avatar_address, settings.tls)
    avatars = AvatarServiceStub(channel)
    vocabulary = Vocabulary()
    stream = JetStream(nats)
    readiness.add("stream", stream.check)
    readiness.add("avatar", channel.channel_ready)
    await wait_for(lambda: stream.prepare(settings.interactions_stream_max_bytes), STREAM)
    publisher = Publisher(
        stream, Sealer(EpochKeys(keyring), vocabulary.version), max_waiting=settings.max_waiting_bytes
    )

    async def publish(world: World, interaction: Interaction) -> None:
        await publisher.publish(world.brand, parcels((interaction,), settings.partitions))

    visits = Visits(keyring, default_avatar=settings.default_avatar, clock=time.time, random_bytes=os.urandom)
    profiles = rpc.connect(settings.profile_address, settings.tls) if settings.profile_address else None
    names = Names(ProfileServiceStub(profiles) if profiles else None)
    fence: Fence = FencedCache(boottime_ns, margin_ns=_MARGIN_NS, capacity=settings.copies_kept)
    copies = Copies(fence, Familiar(settings.copies_kept, partial(hints.connection, nats)), _namer(keyring))
    await hints.listen(nats, copies.hint)
    reception = Reception(avatars, copies, partial(hints.tell, nats), os.urandom)
    catalogue = Catalogue(avatars, time.monotonic)
    persons = Persons(ProfileServiceStub(profiles) if profiles else None, Proofs(keyring, time.time))
    door = Door(avatars, reception, catalogue, visits, vocabulary, publish, time.time, persons, names, texts)
    credentials = Credentials(settings.credentials_file, keyring.current("pepper").secret)
    guard = Guard(credentials, RateLimiter(settings.world_rps, time.monotonic), settings.world_rps)
    try:
        async with following(settings.consent_address, fence, settings.tls):
            await serve(build_app(door, guard), settings.http_address, stop)
            await reception.drain()
        await publisher.drain()
    finally:
        await channel.close()
        if profiles:
            await profiles.close()
        await nats.close()


@asynccontextmanager
async def following(consent_address: str, fence: Fence, tls: Tls | None = None) -> AsyncIterator[None]:
    """Follow the fence; without an address nothing that is kept is ever used."""
    if not consent_address:
        yield
        return
    # A group: were the follower to end, the process must, or it would ask for ever without a word.
    async with rpc.connect(consent_address, tls) as channel, asyncio.TaskGroup() as tasks:
        stub: ConsentServiceAsyncStub = ConsentServiceStub(channel)

        def connect() -> Stream:
            return Stream(stub.HoldNamed(), consent_pb2, "HoldNamed")

        task = tasks.create_task(follow(connect, fence, boottime_ns))
        try:
            yield
        finally:
            task.cancel()


def _namer(keyring: FolderKeyRing) -> Callable[[Who], bytes]:
    keys = EdgeKeys(keyring)
    return lambda who: keys.of(who.audience).met(who.eid)


def _has_keys(keyring: FolderKeyRing) -> Check:
    async def check() -> None:
        keyring.current(EDGE_FAMILY)
        keyring.current("pepper")

    return check


if __name__ == "__main__":
    run(main, AdapterSettings.load())

"""Starts the door to virtual worlds: python -m avatar_adapter."""

import asyncio
import os
import time

from avatar_adapter.app import Guard, build_app
from avatar_adapter.clients import Catalogue
from avatar_adapter.domain import World
from avatar_adapter.limiting import RateLimiter
from avatar_adapter.persons import Persons
from avatar_adapter.settings import AdapterSettings
from avatar_adapter.use_cases import Door
from avatar_adapter.visits import EDGE_FAMILY, Visits
from avatar_adapter.vocabulary import Vocabulary
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub
from contracts.interaction.v1.payload import Interaction
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from doors.proofs import Proofs
from doors.publish import Publisher, Sealer, parcels
from doors.stream import STREAM, JetStream
from kit import events, rpc
from kit.credentials import Credentials
from kit.epochs import EpochKeys
from kit.http import serve
from kit.keyring import FolderKeyRing, KeyMissingError
from kit.process import Check, Readiness, run, wait_for


async def main(settings: AdapterSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    """Serve until `stop` is set."""
    assert settings.keyring_dir is not None  # noqa: S101 - `needs` has refused the start without it
    assert settings.credentials_file is not None  # noqa: S101 - as above
    keyring = FolderKeyRing(settings.keyring_dir)
    await wait_for(_has_keys(keyring), "key ring", expected=(KeyMissingError,))
    nats = await events.connect(settings)
    channel = rpc.connect(settings.avatar_address)
    avatars = AvatarServiceStub(channel)
    vocabulary = Vocabulary()
    sealer = Sealer(EpochKeys(keyring), vocabulary.version)
    stream = JetStream(nats)
    readiness.add("stream", stream.check)
    readiness.add("avatar", channel.channel_ready)
    await wait_for(lambda: stream.prepare(settings.interactions_stream_max_bytes), STREAM)
    publisher = Publisher(stream, sealer, max_waiting=settings.max_waiting_bytes)

    async def publish(world: World, interaction: Interaction) -> None:
        await publisher.publish(world.brand, parcels((interaction,), settings.partitions))

    visits = Visits(keyring, default_avatar=settings.default_avatar, clock=time.time, random_bytes=os.urandom)
    profile = rpc.connect(settings.profile_address)
    persons = Persons(ProfileServiceStub(profile), Proofs(keyring, time.time))
    door = Door(avatars, Catalogue(avatars, time.monotonic), visits, vocabulary, publish, time.time, persons)
    credentials = Credentials(settings.credentials_file, keyring.current("pepper").secret)
    guard = Guard(credentials, RateLimiter(settings.world_rps, time.monotonic), settings.world_rps)
    try:
        await serve(build_app(door, guard), settings.http_address, stop)
        await publisher.drain()
    finally:
        await channel.close()
        await profile.close()
        await nats.close()


def _has_keys(keyring: FolderKeyRing) -> Check:
    async def check() -> None:
        keyring.current(EDGE_FAMILY)
        keyring.current("pepper")

    return check


if __name__ == "__main__":
    run(main, AdapterSettings.load())

"""The processes of the profile service: `python -m services.profile serve` answers, `fold` folds; `replay` tries."""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from contracts.profile.v1.profile_pb2 import DESCRIPTOR
from contracts.profile.v1.profile_pb2_grpc import add_ProfileServiceServicer_to_server
from kit import process
from kit.db import Database
from kit.epochs import EpochKeys
from kit.errors import UnavailableError
from kit.events import connect, connecting, ensure_stream
from kit.events.outbox import Relay
from kit.fence import Familiar, FencedCache, Names, boottime_ns, follow
from kit.keyring import FolderKeyRing
from kit.process import Readiness, look_for_cycles_seldom, wait_for
from kit.rpc import RpcServer, build_server
from kit.rpc import connect as connect_rpc
from kit.tenancy import acting_for_every_brand
from services.profile import handles, messages, what_if
from services.profile.aggregates import Budget
from services.profile.boundary import Crowding
from services.profile.clients import Avatars, ConsentClient, Rankings
from services.profile.consumers import Folder
from services.profile.crowds import Crowds
from services.profile.days import Days
from services.profile.domain import POWER_CUT, PROCESS_DEATH, Partition, Persona
from services.profile.erasing import Eraser, Projection, nobody_there, take_back
from services.profile.fenced import Cache, Decisions
from services.profile.graces import Grace, Graces
from services.profile.housekeeping import Housekeeper
from services.profile.leaving import Leaving
from services.profile.owning import Ownership
from services.profile.playing import load_players
from services.profile.relations import load_packs
from services.profile.repository import facets
from services.profile.repository.erasures import Erasure
from services.profile.rpc import Accounts, Memory, ProfileRpc
from services.profile.rpc.handles import Handling
from services.profile.segments import load_segments
from services.profile.settings import ProfileSettings
from services.profile.streams import Streams
from services.profile.tables.profile import OUTBOX
from services.profile.use_cases import segment
from services.profile.use_cases.aggregate import Aggregates
from services.profile.use_cases.census import Census
from services.profile.use_cases.link import Linking
from services.profile.use_cases.mend import Quarantine
from services.profile.use_cases.name import Naming
from services.profile.use_cases.parts import Folding
from services.profile.use_cases.reach import Reach
from services.profile.use_cases.read import FamiliarPersonas
from services.profile.use_cases.receipts import Receipts
from services.profile.use_cases.report import Reports
from services.profile.use_cases.stores import Stores
from services.profile.weights import load_weights

_DAY_MS = 86_400_000
# Off every lease: the two clocks may run at different rates.
_MARGIN_NS = 50_000_000
_HANDS_ON = "profile-hands-on"
_POLL_S = 0.5
# Who came and went is news for a day.
_SEGMENTS_BYTES, _SEGMENTS_S = 64 << 20, 86_400


async def open_stores(settings: ProfileSettings, closing: AsyncExitStack) -> Stores:
    """Open everything that use cases stand on; `closing` closes it again."""
    profile = Database(settings.database_url, pool_size=settings.database_pool, tls=settings.tls)
    vault = Database(settings.vault_url, pool_size=settings.database_pool, tls=settings.tls)
    closing.push_async_callback(profile.dispose)
    closing.push_async_callback(vault.dispose)
    channel = await closing.enter_async_context(connect_rpc(settings.consent_address, settings.tls))
    if settings.keyring_dir is None:
        raise ValueError("keyring_dir")
    keyring = FolderKeyRing(settings.keyring_dir)
    consent = ConsentClient(channel)
    cache: Cache = FencedCache(boottime_ns, margin_ns=_MARGIN_NS, capacity=settings.consents_kept)
    # A group: were the follower to end, the process must, or it would ask the truth for ever without a word.
    tasks = await closing.enter_async_context(asyncio.TaskGroup())
    closing.push_async_callback(stop_all, tasks.create_task(follow(consent.hold, cache, boottime_ns)))
    decisions = Decisions(consent, cache, now_ms)
    crowds = Crowds(profile, settings.shared_by_least)
    avatars = None
    if settings.avatar_address:
        avatars = Avatars(await closing.enter_async_context(connect_rpc(settings.avatar_address, settings.tls)))
    rankings = None
    if settings.recommendation_address:
        rankings = Rankings(
            await closing.enter_async_context(connect_rpc(settings.recommendation_address, settings.tls))
        )
    databases, packs = (profile, vault), load_packs(settings.relationships_file)
    segments = load_segments(settings.wish_segments) if settings.wish_segments else None
    return Stores(
        *databases,
        keyring,
        consent,
        decisions,
        load_weights(),
        crowds,
        now_ms,
        os.urandom,
        packs=packs,
        players=load_players(settings.players_file),
        avatars=avatars,
        rankings=rankings,
        segments=segments,
    )


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def open_streams(settings: ProfileSettings, closing: AsyncExitStack) -> Streams:
    """Connect to the server of class 2, and begin to connect to that of class 1 where there is one."""
    clients = {POWER_CUT: await connect(settings)}
    closing.push_async_callback(clients[POWER_CUT].close)
    if settings.nats_class_1_url:
        clients[PROCESS_DEATH] = await closing.enter_async_context(connecting(settings))
    return Streams(clients, settings.interactions_stream_max_bytes)


def open_eraser(stores: Stores, streams: Streams) -> Eraser:
    """Return what erases, with every projection there is; one whose address is not known is missing for ever."""
    client = streams.client()

    async def delete(erasure: Erasure) -> None:
        await segment.leave(stores, erasure.brand, erasure.personas)
        await facets.erase(stores.profile, erasure.brand, erasure.personas)

    async def hint(erasure: Erasure) -> None:
        await client.publish(messages.erased_subject(erasure.brand), messages.erased(erasure.pids))
        await client.flush()

    projections: dict[str, Projection] = {"facets": delete, "memory": hint}
    projections |= {name: nobody_there(name) for name in ("recommendation", "avatar")}
    if (rankings := stores.rankings) is not None:
        projections["recommendation"] = partial(_forget_learnt, stores, rankings)
    if (avatars := stores.avatars) is not None:
        projections["avatar"] = lambda erasure: avatars.erase(erasure.personas)
    return Eraser(stores, projections)


async def _forget_learnt(stores: Stores, rankings: Rankings, erasure: Erasure) -> None:
    await take_back(stores, erasure, rankings.unlearn)
    await rankings.erase(erasure.personas)


def open_aggregates(settings: ProfileSettings, stores: Stores, closing: AsyncExitStack) -> tuple[Aggregates, Reports]:
    """Return what answers questions about many; closed before what it stands on."""
    budget = Budget(settings.privacy_budget, settings.privacy_budget_days)
    aggregates, reports = Aggregates(stores, budget, settings.shared_by_least), Reports(stores)
    closing.push_async_callback(aggregates.stop)
    closing.push_async_callback(reports.stop)
    return aggregates, reports


async def build(
    settings: ProfileSettings, stores: Stores, streams: Streams, eraser: Eraser, many: tuple[Aggregates, Reports]
) -> RpcServer:
    """Bind the service to its address; it answers after start()."""
    reach, client, names = Reach(stores, settings.reach_s), streams.client(), Names(stores.keyring)
    familiar: FamiliarPersonas = Familiar(
        settings.reads_kept, lambda: client.stats["reconnects"] if client.is_connected else None
    )

    async def hinted(message: Msg) -> None:
        hint = messages.open_hint(message.data)
        familiar.hint(hint.pids)
        if hint.sequence:
            reach.hint(hint.partition, hint.sequence)

    async def erased(message: Msg) -> None:
        familiar.hint(messages.open_erased(message.data))

    await client.subscribe(messages.changed_subject("*"), cb=hinted)
    await client.subscribe(messages.erased_subject("*"), cb=erased)
    await hint_doors(client, names)
    quarantine = Quarantine(stores, EpochKeys(stores.keyring), streams.append, settings.partitions)
    accounts = Accounts(streams, settings.partitions, Receipts(stores, settings.days_kept), quarantine, *many)

    async def drop(brand: str, personas: Sequence[Persona]) -> None:
        await client.publish(messages.erased_subject(brand), messages.erased([each.pid for each in personas]))
        await client.flush()

    handling = Handling(Naming(stores, int(settings.pair_grace_days * _DAY_MS)), Linking(stores, drop))
    servicer = ProfileRpc(stores, Memory(familiar, reach, names), accounts, eraser, handling)
    name = DESCRIPTOR.services_by_name["ProfileService"].full_name
    return build_server(settings, [(add_ProfileServiceServicer_to_server, servicer, name)])


async def hint_doors(client: Client, names: Names) -> None:
    """Hand hints on by name. One of the processes that answer does, whoever it was that hinted."""

    async def hand_on(message: Msg, pids: Sequence[bytes]) -> None:
        if pids:
            brand = message.subject.rpartition(".")[2]
            await client.publish(messages.named_subject(brand), messages.named(map(names.of, pids)))

    async def changed(message: Msg) -> None:
        await hand_on(message, messages.open_hint(message.data).pids)

    async def erased(message: Msg) -> None:
        await hand_on(message, messages.open_erased(message.data))

    await client.subscribe(messages.changed_subject("*"), queue=_HANDS_ON, cb=changed)
    await client.subscribe(messages.erased_subject("*"), queue=_HANDS_ON, cb=erased)


async def serve(settings: ProfileSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    async with AsyncExitStack() as closing:
        stores = await open_stores(settings, closing)
        stores.keyring.ensure(handles.FAMILY)
        readiness.add("database", stores.profile.ping)
        readiness.add("vault", stores.vault.ping)
        streams = await open_streams(settings, closing)
        eraser = open_eraser(stores, streams)
        server = await build(settings, stores, streams, eraser, open_aggregates(settings, stores, closing))
        # A group: were one of them to end, the process must.
        async with asyncio.TaskGroup() as tasks:
            grace = Grace(int(settings.edge_grace_days * _DAY_MS), int(settings.pair_grace_days * _DAY_MS))
            works = (
                eraser.run(),
                stores.crowds.follow(settings.crowds_read_s),
                stores.uses.run(stores.profile, settings.uses_s),
                Graces(stores, grace).run(settings.graces_s),
            )
            # What goes on beside the requests is about no brand alone.
            with acting_for_every_brand():
                beside = [tasks.create_task(work) for work in works]
            await server.serve(stop)
            for task in beside:
                task.cancel()
        # What was read last is told too, unless the database went first.
        with suppress(UnavailableError):
            await stores.uses.flush(stores.profile)


async def fold(settings: ProfileSettings, stop: asyncio.Event, readiness: Readiness) -> None:
    # A fifth of a fold otherwise.
    look_for_cycles_seldom()
    async with AsyncExitStack() as closing:
        # A partition has batches of every brand.
        closing.enter_context(acting_for_every_brand())
        stores = await open_stores(settings, closing)
        readiness.add("database", stores.profile.ping)
        readiness.add("vault", stores.vault.ping)
        streams = await open_streams(settings, closing)
        js = streams.client().jetstream()

        async def ensure_streams() -> None:
            await streams.prepare()
            announced = settings.profile_stream_max_bytes
            await ensure_stream(js, messages.ANNOUNCED, [messages.ANNOUNCED_SUBJECTS], max_bytes=announced)
            await ensure_stream(
                js, messages.SEGMENTS, messages.SEGMENT_SUBJECTS, max_bytes=_SEGMENTS_BYTES, max_age_s=_SEGMENTS_S
            )

        await wait_for(ensure_streams, "streams")
        await wait_for(stores.profile.ping, "database")
        folding = Folding(stores, EpochKeys(stores.keyring), settings.most_dead_letters)
        days = Days(stores, settings.days_kept, settings.message_ids_max_bytes)
        readiness.add("message_ids", days.window.check)
        folder = Folder(folding, streams, days, settings)

        async def erased(message: Msg) -> None:
            folder.erase(messages.open_erased(message.data))

        await streams.client().subscribe(messages.erased_subject("*"), cb=erased)
        ownership = Ownership(stores, folder)
        readiness.add("partitions", ownership.check)
        if PROCESS_DEATH in streams.classes:
            readiness.add("stream_class_1", partial(streams.check, PROCESS_DEATH))
        crowding = Crowding(settings.shared_by_least, settings.shared_by_share)
        partitions = [Partition(settings.brand, number) for number in range(settings.partitions)]
        keeper = Housekeeper(folding, streams, days, lambda: ownership.owned, settings.quarantine_days)
        await _until(
            stop,
            ownership.run(partitions),
            Census(stores, settings.brand, crowding, settings.census_s).run(),
            keeper.run(settings.housekeeping_s, is_purging=settings.is_purging),
            Leaving(stores, settings.brand, stores.segments.segments if stores.segments else {}).run(),
            # What another process has written is to be heard of within a second.
            Relay(stores.profile, OUTBOX, js, poll_s=_POLL_S).run(),
        )


async def _until(stop: asyncio.Event, *works: Coroutine[Any, Any, None]) -> None:
    """Work until `stop` is set; when one work fails, all end with its error."""
    tasks = [asyncio.create_task(work) for work in works]
    waiting = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await stop_all(waiting, *tasks)


async def stop_all(*tasks: asyncio.Task[Any]) -> None:
    """Cancel and wait until that is done."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main(arguments: list[str]) -> None:
    match arguments:
        case ["serve"]:
            process.run(serve, ProfileSettings.load())
        case ["fold"]:
            process.run(fold, ProfileSettings.load())
        case ["replay", *options]:
            sys.exit(what_if.main(options))
        case _:
            sys.exit("usage: python -m services.profile serve|fold|replay")


if __name__ == "__main__":
    main(sys.argv[1:])

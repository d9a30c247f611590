"""A door as the folder sees one: seals interactions into envelopes, and keeps a ledger of its own."""

import hashlib
import os
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace

from contracts.common.v1.subject_pb2 import Subject as SubjectMessage
from contracts.interaction.v1 import interaction_pb2
from contracts.interaction.v1.payload import Interaction, Payload, Quarantined, associated_data, encode
from kit.db import raw
from kit.epochs import EpochKeys
from kit.sealing import seal
from services.profile import messages, sealed, tails
from services.profile.days import Days
from services.profile.domain import COLLECT, Kind, Partition, Statement, Subject
from services.profile.hot import Hot
from services.profile.repository import facets, positions
from services.profile.use_cases import consents
from services.profile.use_cases.fold import Fold
from services.profile.use_cases.parts import Folding, HaltedError, Owner, Part

BRAND = "oak"
SHOP = "app:shop"
PARTITION = Partition(BRAND, 0)
ONE_PARTITION = 1


def eid(name):
    return hashlib.sha256(name.encode()).digest()[:16]


def subject(name, audience=SHOP):
    return Subject(BRAND, audience, eid(name))


def subject_message(name, audience=SHOP):
    return SubjectMessage(brand=BRAND, audience=audience, eid=eid(name))


class Clock:
    """Begins now, because the consent service keeps a clock of its own; moves when told."""

    def __init__(self, now_ms):
        self.ms = now_ms

    def __call__(self):
        return self.ms


class Door:
    """Makes events and messages; numbers message ids unless told."""

    def __init__(self, keyring, clock, partition=PARTITION):
        self.epochs = EpochKeys(keyring)
        self.clock = clock
        self.partition = partition
        self.sequence = 0

    def event(self, name="ada", kind=Kind.SEEN, **facts):
        told = {"source": SHOP, "eid": eid(name), "mid": os.urandom(16), "at_ms": self.clock() - 1000, "channel": "web"}
        return Interaction(**{**told, "kind": int(kind), "item": "tea", "topics": ("drinks",), **facts})

    def envelope(self, events, rejected=(), **facts):
        batch_id = facts.pop("batch_id", None) or os.urandom(16)
        key_id, key = self.epochs.current()
        partition = self.partition.number
        body = encode(Payload(list(events), list(rejected)))
        nonce, ciphertext = seal(key, body, associated_data(batch_id, BRAND, partition))
        counts = Counter(each.source for each in (*events, *rejected))
        told = {
            "batch_id": batch_id,
            "brand": BRAND,
            "partition": partition,
            "epoch_key_id": key_id,
            "pack_version": "1",
            "counts": [interaction_pb2.SourceCount(source=name, received=count) for name, count in counts.items()],
            "nonce": nonce,
            "ciphertext": ciphertext,
            "sealed_at_ms": self.clock(),
        }
        return interaction_pb2.Envelope(**{**told, **facts}).SerializeToString()

    def message(self, *events, rejected=(), **facts):
        """The next message of the stream, opened as the folder opens it."""
        self.sequence += 1
        return messages.open_message(
            self.partition, self.sequence, self.envelope(events, rejected, **facts), self.epochs
        )

    def again(self, message):
        """The same batch, published a second time."""
        self.sequence += 1
        return replace(message, sequence=self.sequence)


def rejected(name="shop"):
    return Quarantined(f"app:{name}", os.urandom(16), "malformed", "timestamp")


class Room:
    """The profile service around one partition, without processes."""

    def __init__(self, stores, clock):
        self.stores = stores
        self.clock = clock
        self.folding = Folding(stores, EpochKeys(stores.keyring), 3)
        self.days = Days(stores, 2)
        self.door = Door(stores.keyring, clock)
        self.owner = None

    async def own(self, created="first", partition=PARTITION):
        async with self.profile() as connection:
            position = await positions.claim(connection, partition, created, self.clock())
        return Owner(partition, position.stream_created, position.owner_epoch)

    async def fold(self, *opened, owner=None):
        if owner is None:
            owner = self.owner = self.owner or await self.own()
        await self.fold_parts(Part(owner, opened))

    async def fold_parts(self, *parts, before=None):
        await self.days.ensure_present()
        try:
            await Fold(self.folding, Hot(), parts, before).run()
        except HaltedError as halted:
            raise halted.error from None

    async def grant(self, name="ada", *purposes, audience=SHOP):
        told = Statement(self.clock(), "rest")
        return await consents.grant(self.stores, subject(name, audience), purposes or (COLLECT,), told)

    async def withdraw(self, name="ada", *purposes):
        return await consents.withdraw(self.stores, subject(name), purposes, Statement(self.clock(), "rest"))

    async def traits(self, name="ada"):
        """What is folded of one subject's own facet; None for nothing."""
        bound = await consents.find(self.stores, subject(name))
        return None if bound is None else await self.traits_of(bound)

    async def traits_of(self, bound):
        async with self.profile() as connection:
            found = (await facets.load(connection, BRAND, [bound.persona])).get(bound.persona.pid)
        if found is None:
            return None
        key = sealed.data_key(self.stores.keyring, bound)
        return tails.whole(key, bound.persona, found, self.stores.weights)

    async def bound(self, name="ada", audience=SHOP):
        return await consents.find(self.stores, subject(name, audience))

    async def books(self):
        """Fate to number of events, over all sources and hours; fails when they do not balance."""
        fates = ("received", "stored", "duplicate", "quarantined", "suppressed")
        async with self.profile() as connection:
            columns = ", ".join(f"coalesce(sum({fate}), 0)::int" for fate in fates)
            row = await connection.fetchrow(f"SELECT {columns} FROM books")
        counted = dict(zip(fates, row, strict=True))
        assert counted["received"] == sum(counted[fate] for fate in fates[1:])
        return {fate: count for fate, count in counted.items() if count}

    async def rows(self, query, *arguments):
        async with self.profile() as connection:
            return await connection.fetch(query, *arguments)

    async def vault_rows(self, query, *arguments):
        async with self.vault() as connection:
            return await connection.fetch(query, *arguments)

    @asynccontextmanager
    async def vault(self):
        async with self.stores.vault.transaction() as transaction:
            yield await raw(transaction)

    @asynccontextmanager
    async def profile(self):
        async with self.stores.profile.transaction() as transaction:
            yield await raw(transaction)

"""A process made of all of kit: an RPC that writes to PostgreSQL and announces it, and a follower that hears it."""

import asyncio
import sys
import threading
import warnings

import grpc
from sqlalchemy import MetaData, text

from kit import events, process
from kit.db import Database
from kit.events import outbox
from kit.rpc import build_server
from kit.settings import Settings

NAME = "room.v1.RoomService"
OUTBOX = outbox.outbox_table(MetaData())


class Room:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.heard: list[bytes] = []

    async def say(self, request: bytes, _context: object) -> bytes:
        async with self._database.transaction() as connection:
            await connection.execute(text("SELECT 1"))
            await outbox.enqueue(connection, OUTBOX, "room.v1.said", request)
        return b"|".join(self.heard)

    async def fail(self, request: bytes, _context: object) -> bytes:
        raise KeyError(request)

    async def hear(self, messages: list[events.Message]) -> None:
        self.heard += [message.data for message in messages]

    def add_to(self, _servicer: object, server: grpc.aio.Server) -> None:
        handlers = {
            "Say": grpc.unary_unary_rpc_method_handler(self.say),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


def leak(text: str) -> None:
    """Fail where nobody listens: in a thread, in a finalizer, in a task, in a warning."""

    def fail() -> None:
        raise KeyError(text)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    fragile = type("Fragile", (), {"__del__": lambda _: fail()})()
    del fragile
    asyncio.get_running_loop().call_soon(fail)
    warnings.warn(text, stacklevel=1)


async def main(settings: Settings, stop: asyncio.Event, readiness: process.Readiness) -> None:
    database = Database(settings.database_url)
    room = Room(database)
    readiness.add("database", database.ping)
    await process.wait_for(database.ping, "database")
    async with database.transaction() as connection:
        await connection.run_sync(OUTBOX.metadata.create_all)
    client = await events.connect(settings)
    js = client.jetstream()
    await events.ensure_stream(js, "ROOM", ["room.v1.>"], max_bytes=1_000_000)
    follower = events.Follower(client, events.Subscription("ROOM", "room", ("room.v1.said",)), 0, room.hear)
    readiness.add("follower", follower.check)
    tasks = [asyncio.create_task(follower.run()), asyncio.create_task(outbox.Relay(database, OUTBOX, js).run())]
    if "--leak" in sys.argv:
        leak(settings.database_url)
    if "--fail" in sys.argv:
        raise KeyError(settings.database_url)
    await build_server(settings, [(room.add_to, room, NAME)]).serve(stop)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.drain()
    await database.dispose()


if __name__ == "__main__":
    process.run(main, Settings.load())

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from nats.aio.client import Client
from nats.js.errors import ServerError
from structlog.testing import capture_logs

from kit.errors import UnavailableError
from kit.events import Follower, Message, StopFollowingError, StreamReplacedError, Subscription, ensure_stream, forget
from kit.events.streams import stream_id

STREAM = "THINGS"
SUBJECT = "thing.v1.happened"
HANDLE = Callable[[list[Message]], Awaitable[None]]


class Listener:
    """Remembers what it was handed, and lets a test wait for it."""

    def __init__(self) -> None:
        self.batches: list[list[Message]] = []
        self._changed = asyncio.Condition()

    async def __call__(self, messages: list[Message]) -> None:
        async with self._changed:
            self.batches.append(messages)
            self._changed.notify_all()

    @property
    def heard(self) -> list[bytes]:
        return [message.data for batch in self.batches for message in batch]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: len(self.heard) >= count)


@pytest.fixture
async def stream(nats: Client) -> str:
    await ensure_stream(nats.jetstream(), STREAM, ["thing.v1.>"], max_bytes=10_000_000)
    return STREAM


@pytest.fixture
async def follow(nats: Client, stream: str):
    tasks: list[asyncio.Task] = []

    def start(handle: HANDLE, position: int = 0, client: Client = nats, **options) -> tuple[Follower, asyncio.Task]:
        subscription = Subscription(stream, options.pop("durable", "listener"), (SUBJECT,), **options)
        follower = Follower(client, subscription, position, handle)
        tasks.append(asyncio.create_task(follower.run()))
        return follower, tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def publish(nats: Client, *texts: bytes, subject: str = SUBJECT) -> int:
    for text in texts:
        acknowledgement = await nats.jetstream().publish(subject, text)
    return acknowledgement.seq


class TestFollowing:
    async def test_messages_come_in_order(self, nats, follow):
        listener = Listener()
        texts = [b"%d" % number for number in range(300)]
        follow(listener)
        await publish(nats, *texts)
        await listener.until(300)
        assert listener.heard == texts

    async def test_delivery_begins_behind_the_position(self, nats, follow):
        listener = Listener()
        second = await publish(nats, b"one", b"two")
        await publish(nats, b"three")
        follow(listener, position=second)
        await listener.until(1)
        assert listener.heard == [b"three"]

    async def test_other_subjects_are_not_heard(self, nats, follow):
        listener = Listener()
        follow(listener)
        await publish(nats, b"other", subject="thing.v1.else")
        await publish(nats, b"ours")
        await listener.until(1)
        assert listener.heard == [b"ours"]

    async def test_what_waits_comes_in_one_list_within_bounds(self, nats, follow):
        listener = Listener()
        await publish(nats, *[b"x"] * 10)
        follow(listener, max_messages=4)
        await listener.until(10)
        assert max(len(batch) for batch in listener.batches) <= 4

    async def test_a_message_above_the_byte_bound_still_arrives(self, nats, follow):
        listener = Listener()
        await publish(nats, b"x" * 50_000, b"after")
        follow(listener, max_bytes=2_000)
        await listener.until(2)
        assert listener.heard[1] == b"after"

    async def test_facts_of_a_message_are_told(self, nats, follow):
        listener = Listener()
        await nats.jetstream().publish(SUBJECT, b"x", headers={"batch": "b1"})
        last = await publish(nats, b"y")
        follower, _ = follow(listener)
        await listener.until(2)
        first = listener.batches[0][0]
        assert (first.sequence, first.subject, first.headers["batch"]) == (last - 1, SUBJECT, "b1")
        assert follower.created_id == await stream_id(nats.jetstream(), STREAM)

    async def test_handled_messages_are_acknowledged(self, nats, follow):
        listener = Listener()
        last = await publish(nats, b"one", b"two", b"three")
        follow(listener)
        await listener.until(3)
        async with asyncio.timeout(10):
            while (await nats.jetstream().consumer_info(STREAM, "listener")).ack_floor.stream_seq != last:
                await asyncio.sleep(0.01)


class TestFailing:
    async def test_the_same_list_comes_again(self, nats, follow):
        listener = Listener()
        attempts: list[list[bytes]] = []

        async def handle(messages: list[Message]) -> None:
            attempts.append([message.data for message in messages])
            if len(attempts) < 3:
                raise UnavailableError
            await listener(messages)

        await publish(nats, b"one", b"two")
        with capture_logs() as lines:
            follow(handle)
            await listener.until(2)
        assert listener.heard == [b"one", b"two"]
        assert attempts[0] == attempts[1] == attempts[2]
        assert [line["event"] for line in lines if line["log_level"] == "error"] == ["follower.failed"] * 2

    async def test_any_error_of_a_handler_is_survived(self, nats, follow):
        listener = Listener()
        broken = [ZeroDivisionError("no")]

        async def handle(messages: list[Message]) -> None:
            if broken:
                raise broken.pop()
            await listener(messages)

        await publish(nats, b"one")
        with capture_logs():
            follow(handle)
            await listener.until(1)
        assert listener.heard == [b"one"]

    async def test_a_handler_can_stop_it(self, nats, follow):
        async def handle(_messages: list[Message]) -> None:
            raise StopFollowingError

        await publish(nats, b"one")
        with capture_logs() as lines:
            _, task = follow(handle)
            with pytest.raises(StopFollowingError):
                await asyncio.wait_for(task, 10)
        assert [line["event"] for line in lines] == ["follower.stopped"]


class TestAnotherStream:
    async def test_a_stream_created_anew_stops_it(self, nats, follow):
        js = nats.jetstream()
        known = await stream_id(js, STREAM)
        await js.delete_stream(STREAM)
        await ensure_stream(js, STREAM, ["thing.v1.>"], max_bytes=10_000_000)
        with capture_logs():
            _, task = follow(Listener(), created_id=known)
            with pytest.raises(StreamReplacedError):
                await asyncio.wait_for(task, 10)

    async def test_a_stream_that_ends_before_the_position_stops_it(self, nats, follow):
        last = await publish(nats, b"one")
        with capture_logs():
            _, task = follow(Listener(), position=last + 5)
            with pytest.raises(StreamReplacedError):
                await asyncio.wait_for(task, 10)


class TestRecovering:
    async def test_two_with_one_name_lose_nothing(self, nats, follow):
        first, second = Listener(), Listener()
        with capture_logs():
            follow(first)
            await publish(nats, b"a")
            await first.until(1)
            follow(second)
            await second.until(1)
            texts = [b"%d" % number for number in range(50)]
            await publish(nats, *texts)
            await second.until(51)
            await first.until(51)
        assert first.heard == second.heard == [b"a", *texts]

    async def test_a_deleted_consumer_is_made_again(self, nats, follow):
        listener = Listener()
        with capture_logs():
            follow(listener)
            await publish(nats, b"one")
            await listener.until(1)
            await nats.jetstream().delete_consumer(STREAM, "listener")
            await publish(nats, b"two")
            await listener.until(2)
        assert listener.heard == [b"one", b"two"]


class TestEnding:
    @pytest.mark.parametrize("round_", range(30))
    async def test_a_cancellation_at_any_moment_ends_it(self, nats, follow, round_):
        last = await publish(nats, b"one")
        _, task = follow(Listener(), position=last - 1)
        await asyncio.sleep(round_ / 2000)
        task.cancel()
        await asyncio.wait([task], timeout=5)
        assert task.cancelled()


class TestForgetting:
    async def test_handled_messages_make_room(self, nats, stream):
        js = nats.jetstream()
        second = await publish(nats, b"one", b"two")
        await publish(nats, b"other", subject="thing.v1.else")
        await publish(nats, b"three")
        await forget(js, STREAM, SUBJECT, second)
        assert (await js.stream_info(STREAM)).state.messages == 2


class TestEnsuringStreams:
    async def test_twice_is_once(self, nats, stream):
        js = nats.jetstream()
        before = await stream_id(js, STREAM)
        await ensure_stream(js, STREAM, ["thing.v1.>"], max_bytes=10_000_000)
        assert await stream_id(js, STREAM) == before

    async def test_settings_are_brought_up_to_date(self, nats, stream):
        info = await ensure_stream(nats.jetstream(), STREAM, ["thing.v1.>", "more.v1.>"], max_bytes=20_000_000)
        assert info.config.subjects == ["thing.v1.>", "more.v1.>"]
        assert info.config.max_bytes == 20_000_000

    async def test_a_store_that_is_still_being_removed_is_waited_for(self, nats, monkeypatch):
        js = nats.jetstream()
        add_stream, refusals = js.add_stream, [ServerError(code=500, err_code=10049)] * 2

        async def refusing(config):
            if refusals:
                raise refusals.pop()
            return await add_stream(config)

        monkeypatch.setattr(js, "add_stream", refusing)
        assert (await ensure_stream(js, STREAM, ["thing.v1.>"], max_bytes=1_000_000)).config.name == STREAM
        refusals += [ServerError(code=500, err_code=10049)] * 100
        with pytest.raises(UnavailableError):
            await ensure_stream(js, STREAM, ["thing.v1.>"], max_bytes=1_000_000)

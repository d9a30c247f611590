import pytest
from nats.aio.client import Client

from kit.events import DurabilityFixedError, durability_class_of, ensure_stream


class TestDurabilityClass:
    @pytest.mark.parametrize("asked", [1, 2])
    async def test_a_stream_says_its_own(self, nats: Client, asked: int) -> None:
        for _ in range(2):
            made = await ensure_stream(
                nats.jetstream(), "THINGS", ["thing.>"], max_bytes=1_000_000, durability_class=asked
            )
            assert durability_class_of(made) == asked

    @pytest.mark.parametrize("asked", [1, 2])
    async def test_it_never_becomes_another(self, nats: Client, asked: int) -> None:
        js = nats.jetstream()
        await ensure_stream(js, "THINGS", ["thing.>"], max_bytes=1_000_000, durability_class=3 - asked)
        with pytest.raises(DurabilityFixedError):
            await ensure_stream(js, "THINGS", ["thing.>"], max_bytes=1_000_000, durability_class=asked)

"""The load generator against a server that refuses."""

import asyncio

from bench.driving import Shape, Target, drive

_REFUSAL = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(_REFUSAL)
    writer.close()
    await writer.wait_closed()


class TestGenerator:
    async def test_it_connects_anew_where_it_was_refused_and_sends_what_is_due(self) -> None:
        async with await asyncio.start_server(_refuse, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            target = Target(f"http://127.0.0.1:{port}", "/", {})
            outcome = await drive(target, [b"{}"], Shape(4, 0.5, rate=40.0, warm_up_s=0.5), {})
        # Far more than there are connections, each of which answers once.
        assert sum(outcome.statuses.values()) >= 20
        assert outcome.statuses.keys() <= {"429", "0"}
        assert not outcome.acknowledged

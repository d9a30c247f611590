import asyncio

import pytest
import uvloop

from kit.rpc.frames import Answer, Call, decode_answers, decode_calls
from kit.rpc.sockets import Socket

LARGE = 3 << 20


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request):
    """Processes run on uvloop, whose transports are not those of asyncio."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


async def echo(calls):
    """Send the calls through a socket to another one that answers each; return the answers and how they came."""
    loop, answered, ended = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    answers, messages = [], []

    def accept():
        def answer(message):
            messages.append(message)
            for call in decode_calls(message):
                server.put(Answer(call.number, b"", call.body))

        server = Socket(answer, ended.set)
        return server

    def take(message):
        answers.extend(decode_answers(message))
        if len(answers) == len(calls):
            answered.set()

    listening = await loop.create_server(accept, "127.0.0.1", 0)
    address = listening.sockets[0].getsockname()
    _, client = await loop.create_connection(lambda: Socket(take, ended.set), *address)
    for call in calls:
        client.put(call)
    async with asyncio.timeout(10):
        await answered.wait()
        client.close()
        await ended.wait()
    listening.close()
    return answers, messages


class TestSocket:
    def test_what_gathers_within_a_turn_is_one_message(self, runner):
        calls = [Call(number, "/echo", 1.0, "", b"%d" % number) for number in range(100)]
        answers, messages = runner.run(echo(calls))
        assert answers == [Answer(call.number, b"", call.body) for call in calls]
        assert len(messages) == 1

    def test_more_than_the_kernel_takes_at_once_arrives_whole(self, runner):
        calls = [Call(number, "/echo", 1.0, "", bytes([number]) * LARGE) for number in range(8)]
        answers, _ = runner.run(echo(calls))
        assert [answer.body for answer in answers] == [call.body for call in calls]

import asyncio
import os
import signal
import sys

from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit.rpc import connect
from kit.servers import ReservedPort


async def start(**variables):
    variables = {f"MASKENBALL_{name.upper()}": value for name, value in variables.items()}
    environment = {"PATH": os.environ["PATH"], "MASKENBALL_DIE_WITH_PARENT": "1", **variables}
    command = (sys.executable, "-m", "services.avatar")
    return await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)


class TestProcess:
    async def test_it_serves_before_the_others_are_there_and_stops_on_request(self, database_url):
        ports = [ReservedPort() for _ in range(3)]
        address, profile, recommendation = (port.address for port in ports)
        process = await start(
            database_url=database_url("avatar"),
            grpc_address=address,
            profile_address=profile,
            recommendation_address=recommendation,
        )
        ended = asyncio.create_task(process.communicate())
        async with connect(address) as channel:
            request = health_pb2.HealthCheckRequest(service="contracts.avatar.v1.AvatarService")
            call = health_pb2_grpc.HealthStub(channel).Check(request, timeout=60)
            asked = asyncio.create_task(call)
            await asyncio.wait({asked, ended}, return_when=asyncio.FIRST_COMPLETED)
            assert not ended.done(), ended.result()[1].decode()
            assert (await asked).status == health_pb2.HealthCheckResponse.SERVING
        process.send_signal(signal.SIGTERM)
        _, errors = await ended
        assert process.returncode == 0, errors.decode()

    async def test_without_settings_it_names_what_is_missing(self):
        process = await start()
        _, errors = await process.communicate()
        assert process.returncode != 0
        for name in ("MASKENBALL_DATABASE_URL", "MASKENBALL_PROFILE_ADDRESS", "MASKENBALL_RECOMMENDATION_ADDRESS"):
            assert name in errors.decode()

import json
from pathlib import Path

import pytest

from contracts.avatar.v1 import avatar_pb2 as pb

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "data" / "world_requests.jsonl").read_text(encoding="utf-8").splitlines()
]
#: Set by the client itself, or by the connection.
_NOT_SENT = {"host", "content-length", "connection", "authorization"}


def opened_world(body):
    frames = body.get("b", [body])
    return next((frame["w"] for frame in frames if "w" in frame), "sl:lab")


@pytest.mark.parametrize(
    "recorded", RECORDED, ids=[each["world"].split()[0] + f"-{n}" for n, each in enumerate(RECORDED)]
)
class TestRecordedRequests:
    async def test_it_is_understood(self, stand, recorded):
        stand.token, _ = stand.credentials.mint("world", "oak", f"world:{opened_world(recorded['body'])}")
        headers = {name: value for name, value in recorded["headers"].items() if name.lower() not in _NOT_SENT}

        answer = await stand.post(recorded["body"], **headers)

        assert answer.status_code == 200
        answers = answer.json().get("b", [answer.json()])
        frames = recorded["body"].get("b", [recorded["body"]])
        assert len(answers) == len(frames)
        for frame, said in zip(frames, answers, strict=True):
            if frame["op"] == "open":
                assert said["s"]
                assert said["ai"]
            else:
                # These asks belong to a visit of another door.
                assert said["err"]["code"] == "VISIT_UNKNOWN"

    async def test_nobody_is_named_to_the_core(self, stand, recorded):
        stand.token, _ = stand.credentials.mint("world", "oak", f"world:{opened_world(recorded['body'])}")
        headers = {name: value for name, value in recorded["headers"].items() if name.lower() not in _NOT_SENT}

        await stand.post(recorded["body"], **headers)

        names = [frame["v"] for frame in recorded["body"].get("b", [recorded["body"]]) if "v" in frame]
        names += [
            value for name, value in headers.items() if name.lower().startswith(("x-secondlife-o", "x-identity-auth"))
        ]
        heard = b"".join(message.SerializeToString() for message in stand.core.of(pb.OpenRequest))
        assert all(name.encode() not in heard for name in names)

"""Coverage-guided search: `python -m tests.fuzz TARGET SECONDS`, with what SDKs and worlds really send as seeds."""

import json
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["avatar_adapter", "gateway", "kit"]):
    from tests.fuzz.targets import TARGETS

_DATA = Path(__file__).parents[1] / "data"
_MOST_BYTES = 4_096


def seeds(name: str) -> list[bytes]:
    """Bodies of real requests."""
    file = "world_requests.jsonl" if name in {"frame", "world"} else "sdk_captures.jsonl"
    told = [json.loads(line).get("body") for line in (_DATA / file).read_text().splitlines()]
    first = b"\0" if name in {"tracking", "rest"} else b""
    return [first + (body if isinstance(body, str) else json.dumps(body)).encode() for body in told if body]


def main(name: str, seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="maskenball-fuzz-") as folder:
        for number, seed in enumerate(seeds(name)):
            (Path(folder) / str(number)).write_bytes(seed[:_MOST_BYTES])
        bounds = [f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}", "-timeout=10", "-rss_limit_mb=1024"]
        artifacts = f"-artifact_prefix=.cache/fuzz-{name}-"
        atheris.Setup([sys.argv[0], *bounds, artifacts, folder], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

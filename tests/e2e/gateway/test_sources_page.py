"""Every example of the page about sources is run as it stands, and its event is stored."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.e2e.gateway.conftest import Shop

_PAGE = Path(__file__).parents[3] / "docs" / "sources.md"


def examples() -> dict[str, str]:
    """The command under each heading."""
    return dict(re.findall(r"(?ms)^## ([^\n]+)\n\n[^\n]+\n\n```\n(curl .*?)^```", _PAGE.read_text()))


def run(command: str, shop: Shop) -> dict[str, object]:
    told = {**os.environ, "gateway": shop.url, "write_key": shop.write_key}
    ended = subprocess.run(["bash", "-c", command], env=told, capture_output=True, check=True, timeout=30)
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


async def test_every_example_is_stored(shop: Shop) -> None:
    before, commands = await shop.books(), examples()
    for name, command in commands.items():
        answer = run(command, shop)
        assert (answer.get("received"), answer.get("quarantined")) == (1, 0), (name, answer)
    assert await shop.since(before) == {"received": len(commands), "stored": len(commands)}


def test_there_is_one_for_every_kind_of_source_and_for_texts() -> None:
    assert len(examples()) == 10

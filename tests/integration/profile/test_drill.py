"""The drills of docs/keys.md, typed as they stand there, while the profile service runs."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.profile.v1 import profile_pb2 as contract
from doors.subjects import EdgeKeys
from kit.errors import RemoteError
from maskenball.__main__ import app
from services.profile.domain import COLLECT, Statement, Subject
from services.profile.graces import Grace, Graces
from services.profile.use_cases import consents, read
from tests.integration.profile.door import BRAND, SHOP

PAGE = Path(__file__).parents[3] / "docs" / "keys.md"
PERSONALISE = "personalise.world"
DAY_MS = 86_400_000


def drill(title):
    """What is typed, console by console, under one heading."""
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    consoles = re.findall(r"```console\n(.*?)```", section[1], re.DOTALL)
    return [[line.removeprefix("$ maskenball ").split() for line in each.splitlines()] for each in consoles]


@pytest.fixture
def typed(tmp_path):
    """Types commands at the data folder, and returns what the last one listed: state by version."""

    def typed(commands):
        for command in commands:
            more = ["--json"] if "list" in command else []
            said = CliRunner().invoke(app, [*command, "--data-dir", str(tmp_path), *more])
            assert said.exit_code == 0, said.output
        listed = re.findall(r'"version": "(\d+)", "state": "(\w+)"', said.output)
        return dict(listed)

    return typed


@pytest.fixture
def graces(stores):
    return Graces(stores, Grace(90 * DAY_MS, 30 * DAY_MS))


class Visitor:
    def __init__(self, room, name):
        self.room = room
        self.name = name

    def subject(self):
        """As a door that has looked at the ring just now."""
        keys = EdgeKeys(self.room.stores.keyring).of(SHOP)
        return Subject(BRAND, SHOP, keys.user(self.name), keys.version, keys.former_users(self.name))

    async def grant(self):
        told = Statement(self.room.clock(), "rest")
        await consents.grant(self.room.stores, self.subject(), [COLLECT, PERSONALISE], told)

    async def handle(self):
        return (await read.read_view(self.room.stores, self.subject(), [PERSONALISE])).handle


@pytest.fixture
async def visitors(room):
    room.stores.keyring.ensure("edge")
    made = [Visitor(room, "ada"), Visitor(room, "bob")]
    for each in made:
        await each.grant()
    return made


class TestDrills:
    async def test_an_edge_key_leaks(self, room, typed, graces, visitors):
        (ada, bob), (turn, end) = visitors, drill("Drill: an edge key leaks")
        before = await ada.handle()
        leaked = EdgeKeys(room.stores.keyring).of(SHOP)
        assert typed(turn) == {"1": "read", "2": "active"}
        assert await ada.handle() == before
        assert typed(end) == {"1": "retired", "2": "active"}
        await graces.round()
        assert typed(end[1:]) == {"2": "active"}
        assert await ada.handle() == before
        assert await bob.handle() == ""
        ids = {bytes(eid) for (eid,) in await room.vault_rows("SELECT eid FROM bindings")}
        assert ids.isdisjoint({leaked.user("ada"), leaked.user("bob")})

    async def test_a_pair_key_leaks(self, profile, typed, graces, visitors):
        (ada, _), (turn, end) = visitors, drill("Drill: a pair key leaks")
        old = await ada.handle()
        assert typed(turn) == {"1": "read", "2": "active"}
        new = await ada.handle()
        assert new.startswith("2.")
        asked = contract.FindHandleRequest(brand=BRAND, audience=SHOP, handle=old)
        assert (await profile.FindHandle(asked)).handle == new
        listing = contract.ListReplacedHandlesRequest(brand=BRAND, audience=SHOP, count=100)
        assert (old, new) in {(each.old, each.new) for each in (await profile.ListReplacedHandles(listing)).replaced}
        assert typed(end) == {"1": "retired", "2": "active"}
        with pytest.raises(RemoteError) as refused:
            await profile.FindHandle(asked)
        assert refused.value.reason == "HANDLE_GONE"
        assert list((await profile.ListReplacedHandles(listing)).replaced) == []
        await graces.round()
        assert typed(end[1:]) == {"2": "active"}
        assert await ada.handle() == new


class TestCommands:
    @pytest.mark.parametrize(
        ("command", "said"),
        [
            ("keys retire --kind pair --version 1", "KEY_IN_USE"),
            ("keys destroy --kind pair --version 1", "KEY_IN_USE"),
            ("keys retire --kind pair --version 9", "NOT_FOUND"),
            ("keys retire --kind pair --version ../1", "NOT_FOUND"),
            ("keys rotate --kind edge --audience world:mall", "all audiences"),
            ("keys rotate --kind pair --audience mall", "app:<source>"),
            ("keys list --kind edge", "no keys"),
        ],
    )
    def test_refuses_what_would_not_work(self, keyring, tmp_path, command, said):
        keyring.ensure("pair")
        told = CliRunner().invoke(app, [*command.split(), "--data-dir", str(tmp_path)])
        assert told.exit_code == 1
        assert said in re.sub(r"\s+", " ", told.output)

    def test_an_audience_turns_alone(self, keyring, typed):
        keyring.ensure("pair")
        own = ["--kind", "pair", "--audience", "world:mall"]
        assert typed([["keys", "rotate", *own], ["keys", "list", *own]]) == {"1": "read", "2": "active"}
        assert typed([["keys", "list", "--kind", "pair"]]) == {"1": "active"}

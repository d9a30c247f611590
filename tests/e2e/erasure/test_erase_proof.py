"""The proof of `make erase-proof`, small: a backup brings nobody back, and nobody else is lost."""

import contextlib
import os
import threading

import httpx
import pytest

from tests.e2e.erasure import proof, vaults
from tests.e2e.erasure.shop import Shop, eventually
from tests.e2e.running import RunningStack, enterable

_USERS = ["ada", "bert", "cleo", "dora"]


@pytest.fixture
def folder(tmp_path):
    return enterable(tmp_path)


@pytest.mark.timeout(300)
def test_an_erased_persona_cannot_be_restored(folder):
    data, backup, restored = folder / "data", folder / "backup", folder / "restored"
    stack = RunningStack(data).start()
    try:
        pids, planted = proof.plant(stack, _USERS)
        late = Shop(stack.endpoints).events("ada")
        stack.stop()
        vaults.copy_without_keys(data, backup)
        assert vaults.holds(backup / "postgres", planted.wrapped["ada"])
        stack.start()
        _erase_and_kill(stack, "dora")
        erasure = proof.erase(stack, "ada")
        assert erasure["signed"].keys() >= {*proof.PROJECTIONS, "keys"}
        proof.come_back(stack, "ada", late)
    finally:
        stack.stop()
    vaults.restore(backup, data, restored)
    still = {user: pid for user, pid in pids.items() if user != "dora"}
    proof.check_restored(data, restored, still, planted, "ada")


def _erase_and_kill(stack, user):
    """kill -9 whoever erases in the middle of it; whoever is started next ends it."""
    shop, pid = Shop(stack.endpoints), stack.read_endpoints()["pids"]["profile"]

    def ask():
        with contextlib.suppress(httpx.HTTPError):
            shop.erase(user)

    asking = threading.Thread(target=ask)
    asking.start()
    vault = stack.endpoints["databases"]["vault"]
    eventually(lambda: vaults.rows(vault, "SELECT 1 FROM erasures"), every_s=0.001)
    os.kill(pid, 9)
    asking.join()
    # The door may have asked again: that is another one.
    eventually(lambda: not vaults.rows(vault, "SELECT 1 FROM erasures WHERE NOT signed ? 'keys'"), within_s=90)

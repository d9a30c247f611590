"""The proof that erasing erases: back up all but the keys, erase, restore with vault and keys as they are newest.

Then survivors read, and of the erased nothing decrypts, in any store, log or stream file. Every search is first made
where it must find something, so that looking is known to work.
"""

import os
import signal
from dataclasses import dataclass, field

from kit.keyring import FolderKeyRing
from kit.signatures import RECEIPTS, Signer, verify
from tests.e2e.erasure import vaults
from tests.e2e.erasure.shop import Shop, eventually
from tests.e2e.running import RunningStack

PROJECTIONS = ("facets", "memory", "recommendation", "avatar")
_RECEIPT = "erasure-receipt+jws"


@dataclass
class Times:
    """Milliseconds from being asked: until unreadable, until every projection has signed, until no copy opens."""

    unreadable: list[int] = field(default_factory=list)
    projections: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    everywhere: list[int] = field(default_factory=list)

    def add(self, erasure):
        began = erasure["asked_at_ms"]
        self.unreadable.append(erasure["unreadable_at_ms"] - began)
        self.projections.append(max(erasure["signed"][name] for name in PROJECTIONS) - began)
        self.keys.append(erasure["signed"]["keys"] - began)
        if erasure["complete_at_ms"]:
            self.everywhere.append(erasure["complete_at_ms"] - began)


@dataclass(frozen=True)
class Planted:
    """Who is there before, and what lies of them."""

    wrapped: dict
    sealed: dict
    data_keys: dict


def plant(stack, users):
    """Plant users, stop the stack, and return by user what lies of each in the databases, and their data keys."""
    endpoints = stack.endpoints
    shop = Shop(endpoints)
    pids, known = {}, set()
    for user in users:
        shop.plant([user])
        wrapped = vaults.wrapped_keys(endpoints["databases"]["vault"])
        (pids[user],) = wrapped.keys() - known
        known = set(wrapped)
    sealed = vaults.sealed_rows(endpoints["databases"]["profile"], endpoints["brand"])
    keyring = stack.folder / "keyring"
    return pids, Planted(
        {user: wrapped[pid][1] for user, pid in pids.items()},
        {user: sealed[pid] for user, pid in pids.items()},
        {user: vaults.unwrapped(keyring, wrapped[pid][1]) for user, pid in pids.items()},
    )


def erase(stack, user):
    """Erase a user and return how far it is, once no copy of the vault opens any more."""
    shop = Shop(stack.endpoints)
    told = shop.erase(user)
    assert told["unreadable_at_ms"]
    assert not shop.likes(user)
    return eventually(lambda: (found := shop.erasure(told["erasure"])) and "keys" in found["signed"] and found)


def name_a_dead_projection(stack, user):
    """Erase a user while the avatar service is stopped; return whom the answer misses meanwhile."""
    pid = stack.read_endpoints()["pids"]["avatar"]
    os.kill(pid, signal.SIGSTOP)
    shop = Shop(stack.endpoints)
    try:
        told = shop.erase(user)
        missing = eventually(lambda: (found := shop.erasure(told["erasure"])["missing"]).get("avatar") and found)
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: "keys" in shop.erasure(told["erasure"])["signed"])
    return missing


def come_back(stack, user, late):
    """Send what was held back and what was sent before; then a new grant, which makes a new persona."""
    shop, vault = Shop(stack.endpoints), stack.endpoints["databases"]["vault"]
    before = vaults.wrapped_keys(vault).keys()
    shop.track(late)
    marker = f"after-{user}"
    shop.plant([marker])
    arrived = vaults.wrapped_keys(vault).keys() - before
    assert len(arrived) == 1, "a late event brought somebody back"
    assert not shop.likes(user)
    shop.post("consent/grant", userId=user, purposes=["collect.behaviour", "personalise.world"])
    assert shop.likes(user) == []
    assert len(vaults.wrapped_keys(vault).keys() - before) == 2


def check_receipt(stack, erasure):
    """Check a receipt as anybody can, offline."""
    claims = verify(
        erasure["receipt"], Signer(FolderKeyRing(stack.folder / "keyring"), RECEIPTS, _RECEIPT).public_keys(), _RECEIPT
    )
    assert claims["erasure"] == erasure["erasure"]
    assert claims["signed"] == erasure["signed"]


def read_restored(restored, pids, erased):
    """Start what was restored and read everybody."""
    with RunningStack(restored) as stack:
        shop = Shop(stack.endpoints)
        for user in pids:
            assert bool(shop.likes(user)) == (user != erased), user


def check_restored(folder, restored, pids, planted, erased):
    """Try every key that is left on everything that lies there."""
    brand = "oak"
    with vaults.Server(restored) as server:
        sealed = vaults.sealed_rows(server.url("profile"), brand)
        present = vaults.wrapped_keys(server.url("vault"))
    keyring = restored / "keyring"
    keys = [vaults.unwrapped(keyring, wrapped) for _, wrapped in present.values()]
    gone = pids[erased]
    assert gone in sealed, "the backup holds the erased, or nothing is proved"
    assert vaults.opened(keys, brand, gone, sealed[gone]) == 0
    for user, pid in pids.items():
        if user != erased:
            assert vaults.opened(keys, brand, pid, sealed[pid]) == len(sealed[pid])
    # The key that would open it lies in the backup, and nothing opens that.
    assert vaults.opened([planted.data_keys[erased]], brand, gone, sealed[gone]) == len(sealed[gone])
    assert vaults.unwrapped(keyring, planted.wrapped[erased]) is None
    for place in (folder, restored):
        assert not vaults.holds(place, planted.data_keys[erased])

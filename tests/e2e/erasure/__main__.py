"""`make erase-proof`: proves on a stack of its own that erasing erases, and measures its three levels."""

import statistics
import tempfile
from pathlib import Path

from rich.console import Console

from bench.report import Result, show, write
from tests.e2e.erasure import proof, vaults
from tests.e2e.erasure.shop import Shop, eventually
from tests.e2e.running import RunningStack

_SURVIVORS, _MEASURED = 8, 20
_WITHIN_S = 180


def main() -> None:
    """Prove, write bench/results/erase.json, print a table."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="maskenball-erase-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        times = _prove(folder, lambda line: console.print(f"  {line}", highlight=False))
    results = [
        _result("unreadable", times.unreadable, "no read on any node finds it, its data key is deleted"),
        _result("projections", times.projections, "facets, sums, encounters, memories and hot state have signed"),
        _result("keys", times.keys, "shard key rotated, survivors re-wrapped: copies of the vault are dead"),
        _result("everywhere", times.everywhere, "the epoch keys of its last events are destroyed as well"),
    ]
    show("erase", results, console)
    console.print(f"  written to {write('erase', results)}", highlight=False)


def _prove(folder, say):
    data, backup, restored = folder / "data", folder / "backup", folder / "restored"
    times, measured = proof.Times(), [f"measured-{number}" for number in range(_MEASURED)]
    users = ["erased", *(f"survivor-{number}" for number in range(_SURVIVORS))]
    stack = RunningStack(data).start()
    try:
        pids, planted = proof.plant(stack, users)
        shop = Shop(stack.endpoints)
        shop.plant([*measured, "unlucky"])
        late = shop.events("erased")
        stack.stop()
        vaults.copy_without_keys(data, backup)
        assert vaults.holds(backup / "postgres", planted.wrapped["erased"])
        say(f"backed up {len(users) + len(measured) + 1} personas, all but the key ring")
        stack.start()
        shop = Shop(stack.endpoints)
        shop.plant(measured)
        proof.erase(stack, "erased")
        told = [shop.erase(user)["erasure"] for user in measured]
        for erasure in told:
            eventually(lambda erasure=erasure: "keys" in shop.erasure(erasure)["signed"])
        missing = proof.name_a_dead_projection(stack, "unlucky")
        say(f"with the avatar service stopped, the answer names it: {missing}")
        proof.come_back(stack, "erased", late)
        say("late and repeated events brought nobody back; a new grant made a new persona")
        for erasure in told:
            done = eventually(
                lambda erasure=erasure: (found := shop.erasure(erasure))["complete_at_ms"] and found, within_s=_WITHIN_S
            )
            times.add(done)
            proof.check_receipt(stack, done)
        say(f"{len(told)} receipts verify offline")
    finally:
        stack.stop()
    vaults.restore(backup, data, restored)
    proof.check_restored(data, restored, pids, planted, "erased")
    proof.read_restored(restored, pids, "erased")
    say(f"restored the backup: {_SURVIVORS} survivors read, of the erased nothing decrypts in heap, log or stream")
    return times


def _result(name, values, note):
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Result(name, "ms", statistics.median(ordered), statistics.median(ordered), last, note=note)


if __name__ == "__main__":
    main()

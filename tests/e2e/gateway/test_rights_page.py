"""The page about rights is pasted from top to bottom, as it stands."""

import json
import re
import subprocess
from pathlib import Path

from tests.e2e.running import RunningStack

_PAGE = Path(__file__).parents[3] / "docs" / "rights.md"


def pasted() -> str:
    return "\n".join(re.findall(r"(?ms)^```\n(.*?)^```", _PAGE.read_text()))


def run(folder: Path, stack: RunningStack) -> str:
    (folder / ".maskenball").symlink_to(stack.folder)
    command = ["bash", "-euo", "pipefail", "-c", pasted()]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_every_step_works(shared_stack: RunningStack, tmp_path: Path) -> None:
    said = run(tmp_path, shared_stack)
    documents = [json.loads(line) for line in said.splitlines() if line.startswith('{"audience"')]
    before, after = documents[0], documents[-1]
    likes = [each for each in before["inferred"] if each["trait"] == "like"]
    assert [(each["value"], each["because"][0]["item"]) for each in likes] == [("drinks", "tea-1")]
    assert ("personalise.world", "view") in {(each["purpose"], each["what"]) for each in before["readers"]}
    assert (after["handle"], after["inferred"], after["consents"]) == ("", [], [])
    assert "PROOF_INVALID" in said
    assert "manifest.json" in said

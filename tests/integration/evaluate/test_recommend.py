import json
import subprocess
import sys

import pytest

from tests.unit.recommendation.town import walks

ASKED_FOR = {"ndcg@10", "hr@10", "recall@20", "mrr@10", "users", "items", "fit_s", "request_p50_ms", "weights"}


@pytest.fixture(scope="module")
def interactions(tmp_path_factory):
    path = tmp_path_factory.mktemp("town") / "town.tsv"
    lines = [
        f"visitor {person}\t{item}\t{1_700_000_000 + 60 * person + place}\n"
        for person, walk in enumerate(walks(people=200, length=14))
        for place, item in enumerate(walk)
    ]
    path.write_text("".join(lines))
    return path


def run(*arguments):
    command = [sys.executable, "-m", "maskenball", "evaluate", "recommend", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.timeout(300)
class TestEvaluateRecommend:
    def test_it_prints_what_was_asked_for_and_beats_popularity(self, interactions):
        done = run("--interactions", interactions, "--protocol", "loo", "--json")
        assert done.returncode == 0, done.stderr
        outcome = json.loads(done.stdout.splitlines()[-1])
        assert outcome.keys() >= ASKED_FOR
        assert outcome["ndcg@10"] > 1.5 * outcome["baseline_popularity"]["ndcg@10"]
        assert (outcome["items"], outcome["abstained"]) == (40, 0)

    def test_a_file_that_is_none_ends_with_what_is_wrong(self, tmp_path):
        path = tmp_path / "broken.tsv"
        path.write_text("no interactions\n")
        done = run("--interactions", path)
        assert done.returncode == 1
        assert "broken.tsv:1: expected user, item, timestamp" in done.stderr.replace("\n", "")

import json
import subprocess
import sys

from infra.local.orphans import end_orphans, record
from kit.servers import start_ticks

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


class TestOrphans:
    def test_what_the_record_names_is_ended(self, tmp_path):
        with subprocess.Popen(SLEEPER) as orphan:
            record(tmp_path / "processes.json", {"gateway": (orphan.pid, start_ticks(orphan.pid))})
            assert end_orphans(tmp_path / "processes.json") == ["gateway"]
            assert orphan.wait(5) != 0

    def test_a_pid_that_is_a_strangers_by_now_is_left_alone(self, tmp_path):
        with subprocess.Popen(SLEEPER) as stranger:
            record(tmp_path / "processes.json", {"gateway": (stranger.pid, start_ticks(stranger.pid) - 1)})
            assert end_orphans(tmp_path / "processes.json") == []
            assert stranger.poll() is None
            stranger.kill()

    def test_a_record_from_before_a_reboot_names_nobody(self, tmp_path):
        path = tmp_path / "processes.json"
        with subprocess.Popen(SLEEPER) as stranger:
            record(path, {"gateway": (stranger.pid, start_ticks(stranger.pid))})
            path.write_text(json.dumps({**json.loads(path.read_text()), "boot": "another"}))
            assert end_orphans(path) == []
            stranger.kill()

    def test_without_a_record_there_is_nobody(self, tmp_path):
        assert end_orphans(tmp_path / "processes.json") == []

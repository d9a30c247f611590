"""The control: what was synced stays, what was not is gone, and nothing else changes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.power.disk import UncoveredError
from tests.e2e.power.outage import NO_CUT, FileSystem
from tests.e2e.power.recording import Recording

_EACH = pytest.mark.parametrize("file_system", FileSystem)
_PRELUDE = """
import os, random
def put(name, content, *flags):
    file = os.open(name, os.O_RDWR | os.O_CREAT | sum(flags), 0o600)
    os.write(file, content)
    return file
def sync_folder(name="."):
    os.fsync(os.open(name, os.O_RDONLY))
"""


class Lab:
    """A folder, a program that changes it, and what an outage leaves of that."""

    def __init__(self, recorder: Path, tmp_path: Path) -> None:
        self.recorder = recorder
        self.folder = tmp_path / "folder"
        self.scratch = tmp_path / "scratch"
        self.folder.mkdir()
        (self.folder / "old").write_bytes(b"old")

    def run(self, program: str) -> None:
        self.recording = Recording(self.recorder, self.folder, self.scratch)
        command = [*self.recording.wrapper, sys.executable, "-c", _PRELUDE + program]
        subprocess.run(command, cwd=self.folder, check=True)
        self.ended_ns = time.monotonic_ns()

    def left(self, file_system: FileSystem = FileSystem.ORDERED, seed: int = 0) -> dict[str, bytes]:
        target = self.recording.cut(self.scratch / "image", at_ns=self.ended_ns, file_system=file_system, seed=seed)
        return contents(target)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def lab(recorder: Path, tmp_path: Path) -> Lab:
    return Lab(recorder, tmp_path)


class TestContents:
    @_EACH
    def test_what_was_synced_stays_and_the_rest_is_gone(self, lab: Lab, file_system: FileSystem) -> None:
        lab.run("file = put('a', b'kept'); os.fsync(file); sync_folder(); os.write(file, b'lost'); put('b', b'lost')")

        assert lab.left(file_system) == {"old": b"old", "a": b"kept"}
        assert contents(lab.folder) == {"old": b"old", "a": b"keptlost", "b": b"lost"}

    def test_an_overwritten_file_is_found_as_it_was(self, lab: Lab) -> None:
        lab.run("put('old', b'new', os.O_TRUNC)")
        assert lab.left() == {"old": b"old"}

    def test_a_file_open_for_synced_writing_needs_no_sync(self, lab: Lab) -> None:
        lab.run("put('a', b'kept', os.O_DSYNC)")
        assert lab.left() == {"old": b"old", "a": b"kept"}

    def test_an_unsynced_write_may_be_torn(self, lab: Lab) -> None:
        lab.run("file = put('a', b''); os.fsync(file); sync_folder(); os.pwrite(file, b'x' * 20_000, 100)")

        left = {lab.left(seed=seed)["a"] for seed in range(20)}

        assert {b"", b"\0" * 100 + b"x" * 20_000} <= left
        assert any(b"x\0" in each and b"\0x" in each[200:] for each in left)

    def test_without_a_cut_all_is_there(self, lab: Lab) -> None:
        lab.run("put('a', b'written')")
        assert lab.left(seed=NO_CUT) == {"old": b"old", "a": b"written"}

    def test_the_future_is_unknown(self, lab: Lab) -> None:
        lab.run("os.fsync(put('a', b'kept')); sync_folder()")
        lab.ended_ns = 0
        assert lab.left() == {"old": b"old"}


class TestNames:
    def test_posix_keeps_a_name_only_with_its_folder(self, lab: Lab) -> None:
        lab.run("os.fsync(put('a', b'kept'))")

        assert lab.left(FileSystem.POSIX) == {"old": b"old"}
        assert lab.left(FileSystem.OWN_NAME) == lab.left(FileSystem.ORDERED) == {"old": b"old", "a": b"kept"}

    def test_order_keeps_the_names_of_others_too(self, lab: Lab) -> None:
        lab.run("os.mkdir('x'); put('b', b''); os.fsync(put('x/a', b'kept')); put('c', b'')")

        assert lab.left(FileSystem.OWN_NAME) == {"old": b"old", "x/a": b"kept"}
        assert lab.left(FileSystem.ORDERED) == {"old": b"old", "x/a": b"kept", "b": b""}

    @_EACH
    def test_a_file_replaced_and_synced_is_the_new_one(self, lab: Lab, file_system: FileSystem) -> None:
        lab.run("os.fsync(put('a', b'new')); os.rename('a', 'old'); sync_folder()")
        assert lab.left(file_system) == {"old": b"new"}

    @_EACH
    def test_a_file_replaced_without_sync_is_the_old_one(self, lab: Lab, file_system: FileSystem) -> None:
        lab.run("os.fsync(put('a', b'new')); sync_folder(); os.rename('a', 'old')")
        assert lab.left(file_system) == {"old": b"old", "a": b"new"}

    def test_a_name_may_reach_the_disk_before_the_content(self, lab: Lab) -> None:
        lab.run("put('a', b'new'); os.rename('a', 'old'); sync_folder()")
        assert lab.left() == {"old": b""}

    def test_an_ordered_disk_keeps_no_later_name_without_the_earlier(self, lab: Lab) -> None:
        lab.run("for number in range(9): put(f'{number}', b'')")

        left = [sorted(set(lab.left(seed=seed)) - {"old"}) for seed in range(20)]

        assert all(names == [str(number) for number in range(len(names))] for names in left)
        assert len({len(names) for names in left}) > 3

    def test_a_deleted_file_comes_back(self, lab: Lab) -> None:
        lab.run("os.unlink('old')")
        assert lab.left() == {"old": b"old"}


_RANDOM = """
chance = random.Random({seed})
os.mkdir('x'); os.mkdir('x/y')
folders, files = ['.', 'x', 'x/y'], ['old']
for number in range(200):
    path = f'{{chance.choice(folders)}}/{{number % 40}}'
    target = chance.choice(files)
    match chance.randrange(9):
        case 0: os.close(put(path, b'start')); files.append(path)
        case 1: os.rename(target, path); files = [each for each in files if each not in (target, path)] + [path]
        case 2: os.close(put(target, chance.randbytes(9), os.O_TRUNC))
        case 3: os.close(put(target, chance.randbytes(9), os.O_APPEND))
        case 4: os.truncate(target, chance.randrange(9000))
        case 5:
            file = os.open(target, os.O_RDWR)
            os.pwritev(file, [chance.randbytes(5000), b'', chance.randbytes(9)], chance.randrange(9000))
            os.lseek(file, 7, 0); os.writev(file, [b'a', b'bc'])
            os.posix_fallocate(file, 0, chance.randrange(1, 20000))
            os.close(file)
        case 6: os.fsync(os.open(target, os.O_RDONLY))
        case 7 if len(files) > 2: os.unlink(target); files = [each for each in files if each != target]
        case 8 if os.fork() == 0: os.write(os.open(target, os.O_WRONLY), b'child'); os._exit(0)
        case 8: os.wait()
    files = list(dict.fromkeys(os.path.normpath(each) for each in files))
"""


class TestTheRecord:
    @pytest.mark.parametrize("seed", range(6))
    def test_a_random_program_that_syncs_all_loses_nothing(self, lab: Lab, seed: int) -> None:
        lab.run(_RANDOM.format(seed=seed) + "\nos.sync()")
        for file_system in FileSystem:
            assert lab.left(file_system, seed) == contents(lab.folder)

    @pytest.mark.parametrize(
        "program",
        [
            "import mmap; mmap.mmap(os.open('old', os.O_RDWR), 3)",
            "os.copy_file_range(os.open('old', os.O_RDWR), put('a', b''), 3)",
            "os.symlink('old', 'a')",
        ],
    )
    def test_what_it_does_not_cover_is_refused(self, lab: Lab, program: str) -> None:
        lab.run(program)
        with pytest.raises(UncoveredError):
            lab.left()

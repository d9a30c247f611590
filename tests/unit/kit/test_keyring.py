"""The folder key ring: durable, private, and gone when destroyed."""

from pathlib import Path

import pytest

from kit.keyring import FolderKeyRing, KeyMissingError


@pytest.fixture
def ring(tmp_path: Path) -> FolderKeyRing:
    return FolderKeyRing(tmp_path / "keyring")


class TestCreate:
    def test_newest_version_is_current(self, ring: FolderKeyRing) -> None:
        first = ring.create("edge")
        second = ring.create("edge")
        assert ring.current("edge") == second
        assert ring.get("edge", first.version) == first.secret
        assert ring.versions("edge") == [first.version, second.version]

    def test_versions_are_ordered_as_numbers(self, ring: FolderKeyRing) -> None:
        made = [ring.create("epoch").version for _ in range(12)]
        assert ring.versions("epoch") == made

    def test_families_share_nothing(self, ring: FolderKeyRing) -> None:
        assert ring.create("edge").secret != ring.create("pair").secret

    def test_key_file_is_for_the_owner_alone(self, ring: FolderKeyRing, tmp_path: Path) -> None:
        key = ring.create("edge")
        path = tmp_path / "keyring" / "edge" / f"{key.version}.key"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_bytes() == key.secret

    def test_another_process_sees_it(self, ring: FolderKeyRing, tmp_path: Path) -> None:
        other = FolderKeyRing(tmp_path / "keyring")
        first = ring.create("edge")
        assert other.current("edge") == first
        second = ring.create("edge")
        assert other.current("edge") == second

    def test_ensure_creates_once(self, ring: FolderKeyRing) -> None:
        assert ring.ensure("edge") == ring.ensure("edge")
        assert len(ring.versions("edge")) == 1

    def test_crash_before_the_key_was_written_skips_the_version(self, ring: FolderKeyRing, tmp_path: Path) -> None:
        ring.create("edge")
        (tmp_path / "keyring" / "edge" / "next").write_text("7")
        assert ring.create("edge").version == "7"


class TestDestroy:
    def test_destroyed_key_is_missing_everywhere(self, ring: FolderKeyRing, tmp_path: Path) -> None:
        key = ring.create("epoch")
        other = FolderKeyRing(tmp_path / "keyring")
        assert other.get("epoch", key.version) == key.secret
        ring.destroy("epoch", key.version)
        for holder in (ring, other):
            with pytest.raises(KeyMissingError):
                holder.get("epoch", key.version)

    def test_version_is_never_used_again(self, ring: FolderKeyRing) -> None:
        key = ring.create("epoch")
        ring.destroy("epoch", key.version)
        assert ring.create("epoch").version != key.version

    def test_destroying_twice_is_harmless(self, ring: FolderKeyRing) -> None:
        key = ring.create("epoch")
        ring.destroy("epoch", key.version)
        ring.destroy("epoch", key.version)


class TestGet:
    def test_unknown_family_is_missing(self, ring: FolderKeyRing) -> None:
        assert ring.versions("edge") == []
        with pytest.raises(KeyMissingError):
            ring.current("edge")

    @pytest.mark.parametrize("version", ["../edge/1", "", "1.key", "²", "-1"])
    def test_version_cannot_leave_the_folder(self, ring: FolderKeyRing, version: str) -> None:
        ring.create("edge")
        with pytest.raises(KeyMissingError):
            ring.get("edge", version)
        with pytest.raises(KeyMissingError):
            ring.destroy("edge", version)

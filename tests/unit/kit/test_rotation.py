"""Turning keys: one version is active, older ones are read until they are retired, and numbers never meet twice."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kit import rotation
from kit.errors import NotFoundError
from kit.keyring import FolderKeyRing, KeyMissingError
from kit.rotation import KeyInUseError, KeyState

NAME, OTHER = "world:mall", "app:shop/1"


class TestRotate:
    def test_the_one_before_is_still_read(self, keyring: FolderKeyRing) -> None:
        first = keyring.ensure("pair")
        second = rotation.rotate(keyring, "pair")
        assert rotation.active(keyring, "pair") == second
        assert rotation.secret(keyring, "pair", "", first.version) == first.secret
        states = [(each.version, each.state) for each in rotation.listing(keyring, "pair")]
        assert states == [("1", KeyState.READ), ("2", KeyState.ACTIVE)]

    def test_a_name_turns_alone_until_all_do(self, keyring: FolderKeyRing) -> None:
        keyring.ensure("pair")
        own = rotation.rotate(keyring, "pair", NAME)
        assert rotation.active(keyring, "pair", NAME) == own
        assert rotation.active(keyring, "pair", OTHER).version == "1"
        everyones = rotation.rotate(keyring, "pair")
        assert rotation.active(keyring, "pair", NAME) == rotation.active(keyring, "pair", OTHER) == everyones

    @given(turns=some.lists(some.sampled_from(["", NAME, OTHER]), max_size=8))
    def test_a_version_means_one_key(self, tmp_path_factory: pytest.TempPathFactory, turns: list[str]) -> None:
        ring = FolderKeyRing(tmp_path_factory.mktemp("ring"))
        made = [ring.ensure("pair"), *(rotation.rotate(ring, "pair", name) for name in turns)]
        assert [key.version for key in made] == [str(number + 1) for number in range(len(made))]
        for name in (NAME, OTHER):
            mine = [key for key, turned in zip(made, ["", *turns], strict=True) if turned in ("", name)]
            assert rotation.usable(ring, "pair", name) == [key.version for key in mine]
            assert [rotation.secret(ring, "pair", name, key.version) for key in mine] == [key.secret for key in mine]

    def test_a_long_name_is_a_branch_too(self, keyring: FolderKeyRing) -> None:
        keyring.ensure("pair")
        name = "world:" + "ü" * 70
        assert rotation.rotate(keyring, "pair", name) == rotation.active(keyring, "pair", name)


class TestRetire:
    def test_nothing_finds_it_any_more_in_any_process(self, keyring: FolderKeyRing, tmp_path: Path) -> None:
        other = FolderKeyRing(tmp_path / "keyring")
        keyring.ensure("edge")
        rotation.rotate(keyring, "edge")
        assert other.get("edge", "1")
        rotation.retire(keyring, "edge", "1")
        with pytest.raises(KeyMissingError):
            other.get("edge", "1")
        assert (keyring.versions("edge"), keyring.retired("edge")) == (["2"], ["1"])

    def test_the_active_version_stays(self, keyring: FolderKeyRing) -> None:
        keyring.ensure("pair")
        own = rotation.rotate(keyring, "pair", NAME)
        for version, name in (("1", ""), (own.version, NAME)):
            with pytest.raises(KeyInUseError):
                rotation.retire(keyring, "pair", version, name)

    def test_what_is_not_there_is_said(self, keyring: FolderKeyRing) -> None:
        keyring.ensure("pair")
        # Everybody's version is not one name's to retire.
        for version, name in (("7", ""), ("x", ""), ("1", NAME)):
            with pytest.raises(NotFoundError):
                rotation.retire(keyring, "pair", version, name)

    def test_a_version_is_never_used_again(self, keyring: FolderKeyRing) -> None:
        keyring.ensure("edge")
        rotation.rotate(keyring, "edge")
        rotation.retire(keyring, "edge", "1")
        rotation.destroy(keyring, "edge", "1")
        assert rotation.rotate(keyring, "edge").version == "3"


class TestDestroy:
    def test_takes_what_is_retired_alone(self, keyring: FolderKeyRing, tmp_path: Path) -> None:
        keyring.ensure("edge")
        rotation.rotate(keyring, "edge")
        with pytest.raises(KeyInUseError):
            rotation.destroy(keyring, "edge", "1")
        rotation.retire(keyring, "edge", "1")
        rotation.destroy(keyring, "edge", "1")
        assert [path.name for path in (tmp_path / "keyring" / "edge").glob("1.*")] == []

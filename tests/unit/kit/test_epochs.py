"""Epoch keys: a new one every max age, past ones open until destroyed."""

import time
from pathlib import Path

import pytest

from kit.epochs import EpochKeys
from kit.keyring import FolderKeyRing, KeyMissingError


class FakeClock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def epochs(tmp_path: Path, clock: FakeClock) -> EpochKeys:
    return EpochKeys(FolderKeyRing(tmp_path), 30, clock)


class TestCurrent:
    def test_key_is_kept_until_its_age(self, epochs: EpochKeys, clock: FakeClock) -> None:
        first = epochs.current()
        clock.now += 29.9
        assert epochs.current() == first
        clock.now += 0.1
        assert epochs.current() != first

    def test_past_key_still_opens(self, epochs: EpochKeys, clock: FakeClock) -> None:
        key_id, key = epochs.current()
        clock.now += 31
        epochs.current()
        assert epochs.opener(key_id) == key

    def test_two_sealers_have_keys_of_their_own(self, epochs: EpochKeys, tmp_path: Path) -> None:
        assert EpochKeys(FolderKeyRing(tmp_path)).current() != epochs.current()


class TestDestroy:
    def test_destroyed_key_opens_nothing(self, epochs: EpochKeys) -> None:
        key_id, _ = epochs.current()
        epochs.destroy(key_id)
        with pytest.raises(KeyMissingError):
            epochs.opener(key_id)

    def test_only_old_keys_are_retired(self, epochs: EpochKeys) -> None:
        key_id, _ = epochs.current()
        assert epochs.retired(time.time()) == []
        assert epochs.retired(time.time() + 61) == [key_id]

from typing import ClassVar

import pytest

from kit.settings import Settings, SettingsError

SECRET = "postgresql://room:hunter2@db/room"


class RoomSettings(Settings):
    needs: ClassVar[tuple[str, ...]] = ("database_url", "keyring_dir")
    process: str = "room"
    rooms: int = 3


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in ("DATABASE_URL", "KEYRING_DIR", "PARTITIONS", "ROOMS"):
        monkeypatch.delenv(f"MASKENBALL_{name}", raising=False)


class TestLoad:
    def test_common_settings_work_when_absent(self):
        settings = Settings.load()
        assert (settings.partitions, settings.brand, settings.trace_ratio) == (4, "oak", 0.01)

    def test_what_is_needed_is_named_all_at_once(self):
        with pytest.raises(SettingsError) as caught:
            RoomSettings.load()
        assert caught.value.missing == ["MASKENBALL_DATABASE_URL", "MASKENBALL_KEYRING_DIR"]

    def test_variables_fill_settings(self, monkeypatch, tmp_path):
        monkeypatch.setenv("MASKENBALL_DATABASE_URL", SECRET)
        monkeypatch.setenv("MASKENBALL_KEYRING_DIR", str(tmp_path))
        monkeypatch.setenv("MASKENBALL_ROOMS", "5")
        settings = RoomSettings.load()
        assert (settings.database_url, settings.keyring_dir, settings.rooms) == (SECRET, tmp_path, 5)

    def test_a_malformed_value_is_named_and_not_shown(self, monkeypatch):
        monkeypatch.setenv("MASKENBALL_PARTITIONS", "hunter2")
        with pytest.raises(SettingsError) as caught:
            Settings.load()
        assert caught.value.malformed == ["MASKENBALL_PARTITIONS"]
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_a_field_without_default_is_named(self):
        class Strict(Settings):
            nothing: str

        with pytest.raises(SettingsError) as caught:
            Strict.load()
        assert caught.value.missing == ["MASKENBALL_NOTHING"]

    def test_secrets_do_not_show(self):
        assert "hunter2" not in repr(Settings(database_url=SECRET, nats_url="nats://x:hunter2@nats"))

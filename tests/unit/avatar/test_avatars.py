import pytest
import yaml

from kit.packs import PackError
from services.avatar.avatars import PACKS, load_avatars
from services.avatar.domain import UnknownAvatarError


@pytest.fixture
def changed(tmp_path):
    def change(edit):
        pack = yaml.safe_load((PACKS / "ada.yaml").read_text(encoding="utf-8"))
        edit(pack)
        (tmp_path / "ada.yaml").write_text(yaml.safe_dump(pack), encoding="utf-8")
        return tmp_path

    return change


class TestLoad:
    def test_the_default_avatar_speaks_german_and_english(self):
        ada = load_avatars().get("oak", "ada")
        assert [ada.language(tag) for tag in ("de-AT", "en", "fr", "", "DE")] == ["de", "en", "en", "en", "de"]

    def test_an_unknown_avatar_is_refused(self):
        with pytest.raises(UnknownAvatarError):
            load_avatars().get("oak", "eve")

    def test_a_silence_without_words_is_refused(self, changed):
        with pytest.raises(PackError, match="WITHDRAWN"):
            load_avatars(changed(lambda pack: pack["silences"].pop("WITHDRAWN")))

    def test_a_text_missing_in_one_language_is_refused(self, changed):
        with pytest.raises(PackError, match="missing in de"):
            load_avatars(changed(lambda pack: pack["faq"][0]["answer"].pop("de")))

    def test_an_unknown_key_is_refused(self, changed):
        with pytest.raises(PackError, match="gaze"):
            load_avatars(changed(lambda pack: pack.update(gaze=1)))

    def test_a_folder_without_avatar_is_refused(self, tmp_path):
        with pytest.raises(PackError):
            load_avatars(tmp_path)

import datetime as dt
import shutil

import pytest
from cryptography import x509

from kit.settings import Settings, SettingsError
from kit.tls import Tls
from maskenball.certificates import make_certificates

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates") / "tls"
    make_certificates(folder, ["profile", "10.0.0.7"], NOW, DAY)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made / "profile", tmp_path / "profile")


class TestMakeCertificates:
    def test_bears_the_name_that_is_called_and_this_machine(self, made):
        certificate = x509.load_pem_x509_certificate((made / "profile" / "cert.pem").read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["profile", "localhost"]
        assert certificate.not_valid_after_utc == NOW + DAY

    def test_nobody_else_reads_a_key(self, made):
        keys = [*made.glob("*/key.pem"), made / "authority.key"]
        assert [each.stat().st_mode & 0o077 for each in keys] == [0, 0, 0]

    def test_again_keeps_the_authority_and_renews_what_is_under_it(self, made):
        authority, certificate = ((made / "profile" / name).read_bytes() for name in ("ca.pem", "cert.pem"))
        make_certificates(made, ["profile"], NOW, 2 * DAY)
        assert (made / "profile" / "ca.pem").read_bytes() == authority
        assert (made / "profile" / "cert.pem").read_bytes() != certificate


class TestSettings:
    def load(self, monkeypatch, folder):
        monkeypatch.setenv("MASKENBALL_TLS_DIR", str(folder))
        return Settings.load()

    def test_off_unless_a_folder_is_named(self, monkeypatch, folder):
        assert Settings().tls is None
        assert self.load(monkeypatch, folder).tls == Tls(folder)

    @pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
    def test_a_start_that_lacks_a_file_says_which(self, monkeypatch, folder, name):
        (folder / name).unlink()
        with pytest.raises(SettingsError) as refused:
            self.load(monkeypatch, folder)
        assert str(refused.value) == f"missing: {name} of MASKENBALL_TLS_DIR"

    def test_a_key_that_does_not_fit_is_refused(self, monkeypatch, folder, made):
        shutil.copy(made / "10.0.0.7" / "key.pem", folder / "key.pem")
        with pytest.raises(SettingsError) as refused:
            self.load(monkeypatch, folder)
        assert str(refused.value) == "malformed: MASKENBALL_TLS_DIR"

import pytest

from kit.migrate import check, downgrade, upgrade


@pytest.mark.parametrize("room", ["profile", "vault"])
class TestMigrations:
    def test_make_what_the_code_expects(self, empty_database_url, migrations, room):
        upgrade(empty_database_url, migrations[room])
        check(empty_database_url, migrations[room])

    def test_lead_back_and_forth(self, empty_database_url, migrations, room):
        upgrade(empty_database_url, migrations[room])
        downgrade(empty_database_url, migrations[room], "base")
        upgrade(empty_database_url, migrations[room])
        check(empty_database_url, migrations[room])

"""A database of before the wall is handed over: what its process owned is its owner's, and nothing is lost."""

import secrets

from infra.local.databases import hand_over
from kit.servers import PostgresServer
from kit.walls import make_roles

ROOM, PASSWORD = "attic", secrets.token_hex(8)


def test_what_a_process_owned_is_handed_over(postgres: PostgresServer) -> None:
    postgres.sql(f"CREATE ROLE {ROOM} LOGIN PASSWORD '{PASSWORD}'")
    postgres.sql(f"CREATE DATABASE {ROOM} OWNER {ROOM}")
    postgres.sql("CREATE TABLE kept (brand text); INSERT INTO kept VALUES ('oak')", database=ROOM)
    postgres.sql(f"ALTER TABLE kept OWNER TO {ROOM}", database=ROOM)
    for _ in range(2):
        postgres.sql(make_roles(ROOM, lambda _role: PASSWORD))
        hand_over(postgres, ROOM)
    owners = "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
    assert postgres.sql(owners, database=ROOM) == f"{ROOM}_owner"
    assert postgres.sql("SELECT brand FROM kept", database=ROOM) == "oak"
    postgres.sql(f"DROP DATABASE {ROOM}")

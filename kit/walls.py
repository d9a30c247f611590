"""The second wall between brands: roles that own nothing, and row-level security on every table that has a brand.

Three roles a database. `<room>_owner` owns it, migrates it and runs no process. `<room>` is what processes sign in as:
it sees the rows of the brand that its session was told, and is refused when it was told none. `<room>_worker` is what
such a session becomes to work for every brand at once.
"""

from collections.abc import Callable

from sqlalchemy import Connection

OWNER, WORKER = "_owner", "_worker"
# The sub-select is worked out once a statement, not once a row; and it calls a function of ours only to refuse.
_WALLS = """
DO $walls$
DECLARE
    room text := regexp_replace(current_user, '_owner$', '');
    worker text := room || '_worker';
    told text := $$nullif(current_setting('maskenball.brand', true), '')$$;
    found regclass;
BEGIN
    IF room = current_user OR to_regrole(quote_ident(worker)) IS NULL THEN
        RETURN;
    END IF;
    CREATE OR REPLACE FUNCTION no_brand_was_said() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $refuse$
    BEGIN
        RAISE insufficient_privilege USING MESSAGE = 'no brand was said';
    END $refuse$;
    FOR found IN
        SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
            AND a.attname = 'brand' AND NOT a.attisdropped
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', found);
        EXECUTE format(
            'CREATE POLICY of_one_brand ON %s TO %I USING (brand = (SELECT coalesce(%s, no_brand_was_said())))',
            found, room, told
        );
        EXECUTE format('CREATE POLICY of_every_brand ON %s TO %I USING (true)', found, worker);
    END LOOP;
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I, %I', room, worker);
    EXECUTE format('REVOKE ALL ON alembic_version FROM %I, %I', room, worker);
END $walls$
"""


def raise_walls(connection: Connection) -> None:
    """Put every table that has a column `brand` behind the wall; those that stand there are not touched.

    After each migration, as its owner, and not in one: a policy that each migration must remember, some will forget.
    A database whose roles were never made has no wall; nobody but its owner may use it.
    """
    connection.exec_driver_sql(_WALLS)


def make_roles(room: str, password: Callable[[str], str]) -> str:
    """Return what a superuser runs to make the roles of a database; running it again changes passwords alone."""
    owner, worker = room + OWNER, room + WORKER
    missing = "\n".join(
        f'    IF to_regrole(\'"{role}"\') IS NULL THEN CREATE ROLE "{role}"; END IF;' for role in (owner, room, worker)
    )
    return f"""\
DO $roles$ BEGIN
{missing}
END $roles$;
ALTER ROLE "{owner}" LOGIN PASSWORD '{password(owner)}';
ALTER ROLE "{room}" LOGIN PASSWORD '{password(room)}';
GRANT "{worker}" TO "{owner}" WITH INHERIT TRUE, SET TRUE;
GRANT "{worker}" TO "{room}" WITH INHERIT FALSE, SET TRUE;
"""


def make_database(room: str) -> str:
    """Return what a superuser runs, once, to make a database of its own for the roles of a room."""
    return f"""\
CREATE DATABASE "{room}" OWNER "{room}{OWNER}";
REVOKE ALL ON DATABASE "{room}" FROM PUBLIC;
GRANT CONNECT ON DATABASE "{room}" TO "{room}";
"""

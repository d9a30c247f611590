"""The worker role owns what it makes and drops by itself: batch ids of a day, and periods of message ids."""

from alembic import op

revision = "0008"
down_revision = "0007"

# Only where the database has its roles; in one without them nothing has a second owner.
_HAND_OVER = """
    DO $$
    DECLARE
        room text := regexp_replace(current_user, '_owner$', '');
        found regclass;
    BEGIN
        IF room = current_user OR to_regrole(quote_ident(room || '_worker')) IS NULL THEN
            RETURN;
        END IF;
        EXECUTE format('GRANT CREATE ON SCHEMA public TO %I', room || '_worker');
        FOR found IN
            SELECT oid FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                AND relname ~ '^(batches|message_ids|closed_message_ids|packed_message_ids)(_[0-9]+)?$'
        LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO %I', found, {owner});
        END LOOP;
    END $$
"""


def upgrade() -> None:
    op.execute(_HAND_OVER.format(owner="room || '_worker'"))


def downgrade() -> None:
    op.execute(_HAND_OVER.format(owner="current_user"))

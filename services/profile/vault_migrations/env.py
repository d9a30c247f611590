"""Alembic environment of the vault database."""

from kit.migrate import run_env
from services.profile.tables.vault import METADATA

run_env(METADATA)

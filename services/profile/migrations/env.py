"""Alembic environment of the profile database."""

from kit.migrate import run_env
from services.profile.tables.profile import METADATA

run_env(METADATA)

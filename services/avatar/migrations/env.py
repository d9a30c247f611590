"""Alembic environment of the avatar database."""

from kit.migrate import run_env
from services.avatar.tables import metadata

run_env(metadata)

"""Alembic's door to the consent database."""

from kit.migrate import run_env
from services.consent.tables import metadata

run_env(metadata)

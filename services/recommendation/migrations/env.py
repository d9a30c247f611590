"""Alembic environment of the recommendation database."""

from kit.migrate import run_env
from services.recommendation.tables import metadata

run_env(metadata)

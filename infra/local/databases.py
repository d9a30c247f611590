"""Which databases there are and which folder of migrations belongs to each."""

from pathlib import Path

_SERVICES = Path(__file__).resolve().parents[2] / "services"

MIGRATIONS = {
    "vault": _SERVICES / "profile" / "vault_migrations",
    "profile": _SERVICES / "profile" / "migrations",
    "consent": _SERVICES / "consent" / "migrations",
    "recommendation": _SERVICES / "recommendation" / "migrations",
    "avatar": _SERVICES / "avatar" / "migrations",
}

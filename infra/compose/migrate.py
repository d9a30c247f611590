"""`python -m infra.compose.migrate`: brings every database to this version, before the processes start, and ends."""

import os
import sys
import time

from infra.local.databases import MIGRATIONS
from kit.migrate import upgrade
from kit.settings import Settings

_PATIENCE_S = 120.0
_PAUSE_S = 1.0


def main() -> None:
    """Migrate each database named by MASKENBALL_<ROOM>_URL; a server that is still starting is waited for."""
    settings = Settings()
    deadline = time.monotonic() + _PATIENCE_S
    for room, migrations in MIGRATIONS.items():
        url = os.environ[f"MASKENBALL_{room.upper()}_URL"]
        while True:
            try:
                upgrade(url, migrations, tls=settings.tls)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)
            else:
                break
        sys.stdout.write(f"{room} is migrated\n")


if __name__ == "__main__":
    main()

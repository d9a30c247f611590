"""Development secrets of a local stack: key ring, keys of a first app, two worlds and the staff, database passwords."""

import secrets

from infra.local.databases import MIGRATIONS
from infra.local.folder import DataFolder, read_json, write_json
from kit.credentials import Credentials
from kit.keyring import FolderKeyRing
from kit.walls import OWNER

BRAND = "oak"
WORLD = "oak-street"
SECOND_WORLD = "maple-square"
AVATAR = "ada"
SHARDS = 64

# What each credential is minted for: name in access.json → (kind, id, scopes).
_CREDENTIALS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # One key for a first look: it sends events, reads personas and aggregates. A key in a page must not have scopes.
    "write_key": ("source", "app:shop", ("app", "aggregates")),
    # A world's own server may use the tracking API too: same audience, so its visitors are those of the world's door.
    "world_write_key": ("source", f"world:{WORLD}", ()),
    "world_token": ("world", f"world:{WORLD}", ()),
    "second_world_token": ("world", f"world:{SECOND_WORLD}", ()),
    "staff_key": ("staff", "local", ()),
}
_FAMILIES = ("edge", "pair", "pepper", *(f"shard-{shard:02d}" for shard in range(SHARDS)))
_NOTE = """\
These keys were generated for development, on this machine. They lie in plain files beside the data they protect, so
they protect it from nobody who can read this folder. In earnest, mount a key ring from a secret store.
"""


def prepare_access(folder: DataFolder) -> dict[str, str]:
    """Makes what is missing and returns the secrets by name: four keys and two passwords per database."""
    keyring = FolderKeyRing(folder.keyring)
    for family in _FAMILIES:
        if not keyring.versions(family):
            keyring.ensure(family)
    (folder.keyring / "README").write_text(_NOTE, encoding="utf-8")
    access = {name: str(value) for name, value in read_json(folder.access).items()}
    if missing := [name for name in _CREDENTIALS if name not in access]:
        credentials = Credentials(folder.credentials, keyring.current("pepper").secret)
        for name in missing:
            kind, identifier, scopes = _CREDENTIALS[name]
            access[name], _ = credentials.mint(kind, BRAND, identifier, scopes=scopes)
    for room in MIGRATIONS:
        for role in (room, room + OWNER):
            access.setdefault(password_name(role), secrets.token_hex(16))
    write_json(folder.access, access)
    return access


def password_name(role: str) -> str:
    """Under which name the password of a database role is kept."""
    return f"database_{role}"

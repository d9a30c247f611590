"""What lies in the databases of a stack, and whether any key that is left opens it."""

import asyncio
import shutil
import subprocess
from contextlib import asynccontextmanager

import asyncpg

from kit.keyring import FolderKeyRing
from kit.sealing import NONCE_BYTES, UnsealableError, open_sealed, unwrap
from kit.servers import PostgresServer
from kit.servers.cluster import install_folder

_FACETS = "SELECT shard, pid, body, 'facet' FROM facets WHERE brand = $1"
_BLOCKS = "SELECT shard, pid, body, 'block|' || encode(block_id, 'hex') FROM interaction_blocks WHERE brand = $1"


@asynccontextmanager
async def _connected(url):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def rows(url, query, *arguments):
    """Return what a query finds."""

    async def fetch():
        async with _connected(url) as connection:
            return [tuple(row) for row in await connection.fetch(query, *arguments)]

    return asyncio.run(fetch())


def wrapped_keys(url):
    """Return by pid the shard and wrapped data key of every persona."""
    return {pid: (shard, wrapped) for pid, shard, wrapped in rows(url, "SELECT pid, shard, wrapped FROM personas")}


def sealed_rows(url, brand):
    """Return by pid everything sealed of it: shard, label and body."""
    found = {}
    for shard, pid, body, label in [*rows(url, _FACETS, brand), *rows(url, _BLOCKS, brand)]:
        found.setdefault(pid, []).append((shard, label, body))
    return found


def unwrapped(folder, wrapped):
    """Return the data key inside, if any key of any family that is left in the ring opens it."""
    keyring = FolderKeyRing(folder)
    for family in folder.iterdir():
        for version in keyring.versions(family.name):
            try:
                return unwrap(keyring.get(family.name, version), wrapped)
            except UnsealableError:
                continue
    return None


def opened(keys, brand, pid, sealed):
    """Return how many of these sealed rows any of the data keys opens."""
    count = 0
    for shard, label, body in sealed:
        kind, _, block = label.partition("|")
        place = b"%b|%d|%b" % (brand.encode(), shard, pid)
        aad = kind.encode() + b"|" + bytes.fromhex(block) + place
        count += any(_opens(key, body, aad) for key in keys)
    return count


def _opens(key, body, aad):
    try:
        return bool(open_sealed(key, body[:NONCE_BYTES], body[NONCE_BYTES:], aad))
    except UnsealableError:
        return False


def holds(folder, needle):
    """Tell which files below a folder hold these bytes, in themselves or as hexadecimal."""
    needles = (needle, needle.hex().encode())
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(each in path.read_bytes() for each in needles)
    ]


def copy_without_keys(folder, target):
    """Copy a stopped stack, all but its key ring."""
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("keyring"), symlinks=True, copy_function=_copy_owned)
    _own_alike(folder, target)


def restore(backup, newest, target):
    """Put a backup in place, with vault and key ring as they are newest."""
    dump = newest / "vault.dump"
    with Server(newest) as server:
        _run("pg_dump", "--format=custom", f"--file={dump}", server.url("vault"))
    shutil.copytree(backup, target, symlinks=True, copy_function=_copy_owned)
    _own_alike(backup, target)
    shutil.copytree(newest / "keyring", target / "keyring", symlinks=True)
    with Server(target) as server:
        _run("pg_restore", "--clean", "--if-exists", "--dbname", server.url("vault"), str(dump))


class Server:
    """PostgreSQL alone on the cluster of a stopped stack."""

    def __init__(self, folder):
        self.server = PostgresServer(folder / "postgres")

    def __enter__(self):
        self.server.start()
        return self.server

    def __exit__(self, *_):
        self.server.stop()


def _run(program, *arguments):
    command = [str(install_folder() / "bin" / program), *arguments]
    subprocess.run(command, check=True, capture_output=True)


def _copy_owned(source, target, *, follow_symlinks=True):
    shutil.copy2(source, target, follow_symlinks=follow_symlinks)
    return target


def _own_alike(source, target):
    """PostgreSQL runs as somebody else when we are root, and wants its files to be its own."""
    for path in [source, *source.rglob("*")]:
        facts, copy = path.lstat(), target / path.relative_to(source)
        if copy.exists() and (copy.lstat().st_uid, copy.lstat().st_gid) != (facts.st_uid, facts.st_gid):
            shutil.chown(copy, facts.st_uid, facts.st_gid)

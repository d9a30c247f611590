"""`maskenball access`: keys of worlds, apps and staff, in the one file of keyed hashes that every door reads."""

import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from rich.console import Console
from rich.table import Table

from infra.local.folder import DataFolder
from kit import audit
from kit.credentials import Credential, Credentials
from kit.errors import NotFoundError, TypedError
from kit.keyring import FolderKeyRing, KeyMissingError
from kit.telemetry.logs import configure_logs
from maskenball.certificates import MEMBERS, make_certificates

access = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
_REFUSED = 1
_HOUR_S, _DAY_S = 3_600, 86_400
_ID = re.compile(r"(?:(?:app|world):)?[^\s\x00-\x1f:]{1,64}")


class Kind(StrEnum):
    """Who holds a key."""

    APP = "app"
    WORLD = "world"
    STAFF = "staff"


#: What a key may be limited to, but for staff: there it is the tags of /openapi.json. A key of an app without a scope
#: only sends events; any other may do all that its kind may.
SCOPES = {Kind.APP: ("app", "aggregates"), Kind.WORLD: ("visits", "consents")}
_TAG = re.compile(r"[a-z]{1,32}")
DataDir = Annotated[Path, typer.Option(help="The data folder of the stack.")]
Scopes = Annotated[list[str] | None, typer.Option(help="What it may do; may be repeated.")]
Days = Annotated[float, typer.Option(min=0, help="Days until it ends; 0 for never.")]
Brand = Annotated[str, typer.Option(help="Whose it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]
Kid = Annotated[str, typer.Argument(help="Public part of the key, as `maskenball access list` prints it.")]


@access.callback()
def _about() -> None:
    """Keys of worlds, apps and staff."""


@access.command(name="list")
def list_keys(data_dir: DataDir = Path(".maskenball"), *, as_json: AsJson = False) -> None:
    """List the keys, without what is secret of them."""
    with _opened(data_dir) as credentials:
        held = credentials.every()
    if as_json:
        sys.stdout.write(json.dumps([_told(each) for each in held]) + "\n")
        return
    table = Table("kid", "kind", "brand", "of", "scopes", "expires")
    for each in held:
        table.add_row(each.kid, each.kind, each.brand, each.id, " ".join(each.scopes) or "–", _moment(each.expires_at))
    Console().print(table)


@access.command()
def mint(  # noqa: PLR0913 - arguments and options of a command
    kind: Annotated[Kind, typer.Argument(help="Who is to hold it.")],
    name: Annotated[str, typer.Argument(help="Id of the app or world, name of the member of staff.")],
    *,
    scope: Scopes = None,
    days: Days = 0,
    brand: Brand = "oak",
    data_dir: DataDir = Path(".maskenball"),
) -> None:
    """Make a key and print it, once: what is kept is its keyed hash."""
    like = _wanted(kind, name, brand, scope or [], days)
    with _opened(data_dir) as credentials:
        key, credential = credentials.mint(like.kind, brand, like.id, scopes=like.scopes, expires_at=like.expires_at)
        audit.allowed(credential.kid, "access mint")
    _print(key, credential)


@access.command()
def certificates(
    folder: Annotated[Path, typer.Argument(help="Where they are put: a folder for each name.")],
    name: Annotated[
        list[str] | None, typer.Option(help="Host names or addresses; all of docker-compose.yml by default.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How long they are good for.")] = 365,
) -> None:
    """Make an authority, if there is none, and certificates under it, with which services speak TLS to one another."""
    made = make_certificates(folder, name or MEMBERS, datetime.now(UTC), timedelta(days=days))
    sys.stdout.write("".join(f"{each}\n" for each in made))


@access.command()
def enrol(  # noqa: PLR0913 - arguments and options of a command
    kind: Annotated[Kind, typer.Argument(help="Who signs.")],
    name: Annotated[str, typer.Argument(help="Id of the app or world, name of the member of staff.")],
    public_key: Annotated[Path, typer.Argument(help="PEM file of an Ed25519 public key.")],
    *,
    scope: Scopes = None,
    days: Days = 0,
    brand: Brand = "oak",
    data_dir: DataDir = Path(".maskenball"),
) -> None:
    """Let somebody in who signs requests for a pass instead of showing a key."""
    like = _wanted(kind, name, brand, scope or [], days)
    with _opened(data_dir) as credentials:
        credential = credentials.enrol(msgspec.structs.replace(like, public_key=_ed25519(public_key)))
        audit.allowed(credential.kid, "access enrol")
    sys.stdout.write(json.dumps(_told(credential)) + "\n")


@access.command()
def rotate(
    kid: Kid,
    hours: Annotated[float, typer.Option(min=0, help="Hours for which the old key is still good.")] = 24,
    data_dir: DataDir = Path(".maskenball"),
) -> None:
    """Make a key that takes the place of another: both are good until the old one ends."""
    with _opened(data_dir) as credentials:
        key, credential = credentials.rotate(kid, old_until=time.time() + hours * _HOUR_S)
        audit.allowed(kid, "access rotate")
    _print(key, credential)


@access.command()
def revoke(kid: Kid, data_dir: DataDir = Path(".maskenball")) -> None:
    """Take a key back. Once this ends no door lets it in any more."""
    with _opened(data_dir) as credentials:
        if kid not in {each.kid for each in credentials.every()}:
            raise NotFoundError("there is no such key", field="kid")
        credentials.revoke(kid)
        audit.allowed(kid, "access revoke")
    sys.stdout.write(json.dumps({"revoked": kid}) + "\n")


def _wanted(kind: Kind, name: str, brand: str, scopes: Sequence[str], days: float) -> Credential:
    """Return what is to be added, without its key, or end with what is wrong."""
    known = SCOPES.get(kind)
    if not all(each in known if known else _TAG.fullmatch(each) for each in scopes):
        _refuse(f"no such scope of {kind} (there are: {', '.join(known or ['the tags of /openapi.json'])})")
    if not _ID.fullmatch(name) or not _ID.fullmatch(brand):
        _refuse("names and brands have 1 to 64 characters without spaces and colons")
    id_ = name if kind is Kind.STAFF or ":" in name else f"{kind}:{name}"
    expires_at = time.time() + days * _DAY_S if days else 0.0
    kept = "source" if kind is Kind.APP else kind.value
    return Credential("", kept, brand, id_, "", tuple(scopes), expires_at)


def _ed25519(file: Path) -> str:
    try:
        key = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError):
        _refuse(f"{file} is no PEM file of a public key")
    if not isinstance(key, Ed25519PublicKey):
        _refuse(f"{file} holds another kind of key than Ed25519")
    return key.public_bytes_raw().hex()


@contextmanager
def _opened(data_dir: Path) -> Iterator[Credentials]:
    folder = DataFolder(data_dir)
    try:
        pepper = FolderKeyRing(folder.keyring).current("pepper").secret
    except KeyMissingError:
        _refuse(f"There are no keys in {data_dir}. Make them with: maskenball up --data-dir {data_dir}")
    with configure_logs("access", folder.logs / "access.jsonl"):
        try:
            yield Credentials(folder.credentials, pepper)
        except TypedError as error:
            _refuse(f"{error.reason}: {error.message}")


def _print(key: str, credential: Credential) -> None:
    sys.stdout.write(json.dumps({"key": key, **_told(credential)}) + "\n")


def _told(credential: Credential) -> dict[str, object]:
    return {
        "kid": credential.kid,
        "kind": credential.kind,
        "brand": credential.brand,
        "id": credential.id,
        "scopes": list(credential.scopes),
        "expires_at": credential.expires_at,
    }


def _refuse(why: str) -> NoReturn:
    Console(stderr=True).print(f"✗ {why}", style="red", markup=False)
    raise typer.Exit(_REFUSED)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="seconds") if at else "never"

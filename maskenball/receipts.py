"""`maskenball verify-receipt`: checks a receipt of a consent or an erasure with public keys alone, offline."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.local.folder import DataFolder
from kit.errors import TypedError
from kit.keyring import FolderKeyRing
from kit.signatures import RECEIPTS, Signer, verify

_TYPES = ("consent-receipt+jws", "erasure-receipt+jws")
_INVALID = 1


def verify_receipt(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The receipt, a compact JWS.")],
    keys: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Public keys, a JSON Web Key Set as the gateway's /.well-known/jwks.json has it; those of the data "
            "folder's key ring where none are named.",
        ),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="The data folder of a stack.")] = Path(".maskenball"),
) -> None:
    """Print what a receipt says, if its signature holds. Needs no network and no running stack.

    Ends with 0; with 1 when the signature does not hold under these keys.
    """
    try:
        told = verify(file.read_text(encoding="ascii"), _public_keys(keys, data_dir), *_TYPES)
    except (TypedError, UnicodeDecodeError) as error:
        Console(stderr=True).print(f"✗ {error}", style="red", markup=False)
        raise typer.Exit(_INVALID) from error
    sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def _public_keys(keys: Path | None, data_dir: Path) -> str:
    if keys is not None:
        return keys.read_text(encoding="utf-8")
    return Signer(FolderKeyRing(DataFolder(data_dir).keyring), RECEIPTS, _TYPES[0]).public_keys()

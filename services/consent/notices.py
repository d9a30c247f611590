"""What consents rest on: purposes and responsibilities as they stood, under a hash that every record carries."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from kit.packs import Pack, load
from services.consent.purposes import Purposes

PACK = Path(__file__).parent / "packs" / "notice.yaml"


class Controller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is responsible."""

    name: str
    contact: str


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where and for how long."""

    location: str
    retention_days: int


class NoticePack(Pack, frozen=True, kw_only=True):
    """The file. Terms with a prefix are those of DPV 2.3."""

    languages: tuple[str, ...]
    controller: Controller
    jurisdiction: str
    storage: Storage
    collection: str
    processing: tuple[str, ...]
    source: str
    withdrawal: str
    rights: str
    rights_under: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One version of it all: canonical JSON, and its SHA-256."""

    body: bytes
    hash: bytes

    @property
    def content(self) -> dict[str, Any]:
        """The notice and the purposes, as the packs have them."""
        content: dict[str, Any] = json.loads(self.body)
        return content


def load_notice(purposes: Purposes, path: Path = PACK) -> Notice:
    """Return the notice in `path` with the purposes; raises PackError."""
    pack = load(path, NoticePack)
    entries = {id_: msgspec.to_builtins(entry) for id_, entry in purposes.entries.items()}
    return sealed({"notice": msgspec.to_builtins(pack), "purposes": entries, "purposes_version": purposes.version})


def sealed(content: dict[str, Any]) -> Notice:
    """Return content as a notice: the same content has the same hash, whatever the order of its keys."""
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Notice(body, sha256(body).digest())

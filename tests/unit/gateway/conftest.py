"""A shop as the door knows it, and requests as its SDK would send them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts.interaction.v1.payload import Interaction, Quarantined
from doors.subjects import SourceKeys
from gateway.sources import load_sources
from gateway.translate import Request, Translator
from gateway.vocabulary import load_vocabulary

RECEIVED_MS = 1_795_346_700_000  # 2026-11-22T11:25:00Z


@pytest.fixture(scope="session")
def translator() -> Translator:
    return Translator(load_vocabulary(), random=lambda size: b"r" * size)


@pytest.fixture
def keys() -> SourceKeys:
    return SourceKeys(b"k" * 32, "app:shop")


@pytest.fixture
def request_of(keys: SourceKeys) -> Callable[..., Request]:
    def make(**given: Any) -> Request:
        sources = load_sources()
        meaning = sources.consent_categories("shop"), sources.consent_strings("shop")
        return Request("app:shop", keys, *meaning, RECEIVED_MS, **given)

    return make


@pytest.fixture
def translated(translator: Translator, request_of: Callable[..., Request]) -> Callable[..., Interaction | Quarantined]:
    """Translate one track event of user u1; keywords replace or add its fields, the request comes first."""

    def translate(request: Request | None = None, **fields: Any) -> Interaction | Quarantined:
        event = {"type": "track", "userId": "u1", "messageId": "m1", **fields}
        return translator.translate(request or request_of(), json.dumps(event).encode())

    return translate

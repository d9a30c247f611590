"""What the avatar service does, one module per part of an encounter."""

from services.avatar.use_cases.asking import Answer, ask, excluded, suggest_at_once
from services.avatar.use_cases.catalogue import Catalogues, list_items, put_items
from services.avatar.use_cases.forgetting import Forgotten, erase, forget, name_encounter
from services.avatar.use_cases.memories import memories
from services.avatar.use_cases.noting import Noted, note
from services.avatar.use_cases.opening import Opened, Opening, close, note_openings, open_encounter
from services.avatar.use_cases.visits import Surroundings, admit, sweep

__all__ = [
    "Answer",
    "Catalogues",
    "Forgotten",
    "Noted",
    "Opened",
    "Opening",
    "Surroundings",
    "admit",
    "ask",
    "close",
    "erase",
    "excluded",
    "forget",
    "list_items",
    "memories",
    "name_encounter",
    "note",
    "note_openings",
    "open_encounter",
    "put_items",
    "suggest_at_once",
    "sweep",
]

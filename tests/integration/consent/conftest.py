import itertools
import uuid

import pytest

from services.consent.notices import load_notice
from services.consent.purposes import load_purposes
from services.consent.settings import ConsentSettings
from services.consent.use_cases.surroundings import Surroundings

START_MS = 1_750_000_000_000


class Clock:
    def __init__(self):
        self.ms = START_MS

    def __call__(self):
        return self.ms


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def around(clock):
    numbers = itertools.count(1)
    purposes = load_purposes()
    return Surroundings(purposes, load_notice(purposes), clock, lambda: uuid.UUID(int=next(numbers)).hex)


@pytest.fixture
def consent_database(database):
    return database("consent")


@pytest.fixture
def settings(keyring, tmp_path):
    """Returns the settings of a process of the consent service."""
    return lambda **changed: ConsentSettings(keyring_dir=tmp_path / "keyring", **changed)

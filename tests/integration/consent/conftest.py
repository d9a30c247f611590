import itertools
import uuid

import pytest

from services.consent.purposes import load_purposes
from services.consent.use_cases import Surroundings

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
    return Surroundings(load_purposes(), clock, lambda: uuid.UUID(int=next(numbers)).hex)


@pytest.fixture
def consent_database(database):
    return database("consent")

import pytest

from kit.fence import Scope


class Clock:
    """Nanoseconds that a test moves."""

    def __init__(self):
        self.ns = 1_000_000

    def __call__(self):
        return self.ns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def scope():
    return Scope("oak", 7)

"""Presidio is no part of `make setup`: these tests are of `make shadow`."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("presidio_analyzer") else ["test_*.py"]

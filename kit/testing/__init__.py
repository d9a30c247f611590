"""What tests stand on: real servers, fresh databases and streams, a key ring. Never imported by production."""

from kit.testing.databases import Databases
from kit.testing.waiting import eventually

__all__ = ["Databases", "eventually"]

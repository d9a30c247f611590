"""Names of keys, for readers who may follow the changes of what they hold and must not know whose it is."""

from dataclasses import replace

from kit.fence.words import EVERY, Change, Lease, Said
from kit.keyring import KeyRing
from kit.pseudonyms import Pseudonymiser, derive

FAMILY = "fence"
_LABEL = "maskenball/fence/v1"


class Names:
    """A keyed hash of each key, the same in every process of one key ring. They live in memory and are kept nowhere.

    Taken under the oldest key of its family, whatever is added later: who fills a cache and who tells of changes must
    never mean different names.
    """

    def __init__(self, keyring: KeyRing) -> None:
        keyring.ensure(FAMILY)
        self._name = Pseudonymiser(derive(keyring.get(FAMILY, keyring.versions(FAMILY)[0]), _LABEL))

    def of(self, key: bytes) -> bytes:
        """Return the 16 bytes that stand for a key; what stands for every key does so under its own name."""
        return EVERY if key == EVERY else self._name(key)

    def tell(self, said: Said) -> Said:
        """Return what the authority says, with names for keys."""
        return said if isinstance(said, Lease) else tuple(map(self._rename, said))

    def _rename(self, change: Change) -> Change:
        return replace(change, keys=tuple(map(self.of, change.keys)))

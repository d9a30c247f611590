"""Who is played beside a policy: those who see nothing, one who knows all but the luck, and one who knows the luck."""

import hashlib
from collections.abc import Sequence

from bench.polite.lives import Life, Seen
from bench.polite.memory import Answer
from bench.polite.optimum import optimum
from bench.polite.playing import Outcome, play, play_knowing

_SHARES = {"always": 1.0, "random_40": 0.4, "random_20": 0.2, "never": 0.0}


class Share:
    """Speaks in a share of all moments, drawn blindly."""

    def __init__(self, share: float) -> None:
        self._share = share

    def speaks(self, seen: Seen) -> bool:
        drawn = hashlib.blake2b(f"{seen.persona} {seen.at_ms}".encode(), digest_size=4).digest()
        return int.from_bytes(drawn) < self._share * 2**32

    def told(self, _seen: Seen, _answer: Answer) -> None:
        """Learn nothing."""


def clairvoyant(lives: Sequence[Life]) -> Outcome:
    """Speak when it will help and at no other time: more than that nobody can have, and nobody can know it."""
    return play_knowing(lives, lambda moment, _annoyance: moment.helps)


def references(lives: Sequence[Life]) -> dict[str, Outcome]:
    """Return them by name; `oracle` has the reachable benefit."""
    return {
        **{name: play(lives, Share(share)) for name, share in _SHARES.items()},
        "oracle": optimum(lives),
        "clairvoyant": clairvoyant(lives),
    }

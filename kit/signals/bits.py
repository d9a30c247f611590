"""Bit strings in web-safe base64 without padding, as TCF and GPP have them."""

from kit.signals.refusals import SignalMalformedError

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SIX_BITS = {character: f"{number:06b}" for number, character in enumerate(_ALPHABET)}
MOST_CHARACTERS = 16_384


class Bits:
    """Reads numbers from the front; raises SignalMalformedError past the end."""

    def __init__(self, encoded: str) -> None:
        if not 0 < len(encoded) <= MOST_CHARACTERS or not _SIX_BITS.keys() >= set(encoded):
            raise SignalMalformedError("not web-safe base64", limit=f"1 to {MOST_CHARACTERS} characters")
        self._bits = "".join(map(_SIX_BITS.__getitem__, encoded))
        self._at = 0

    def __len__(self) -> int:
        return len(self._bits)

    def skip(self, count: int) -> None:
        """Leave out some bits."""
        self._at += count

    def number(self, count: int) -> int:
        """Return the next `count` bits as a number."""
        end = self._at + count
        if end > len(self._bits):
            raise SignalMalformedError("the string ends too early")
        found = int(self._bits[self._at : end], 2)
        self._at = end
        return found

    def fibonacci(self) -> int:
        """Return the next number in Fibonacci coding: ends with two ones, the first of which counts."""
        end = self._bits.find("11", self._at)
        if end < 0:
            raise SignalMalformedError("the string ends too early")
        total, first, second = 0, 1, 2
        for bit in self._bits[self._at : end + 1]:
            total += first if bit == "1" else 0
            first, second = second, first + second
        self._at = end + 2
        return total

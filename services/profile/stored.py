"""Interactions as blocks keep them."""

import msgspec


class Stored(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """One interaction of a block. Who did it is not among what is stored."""

    source: str
    mid: bytes
    kind: int
    at_ms: int
    channel: str
    item: str | None
    topics: tuple[str, ...]
    value: float | None
    other: bytes | None
    stances: tuple[int, ...] = ()

    @property
    def eid(self) -> bytes:
        return b""

    @property
    def granted(self) -> tuple[str, ...]:
        return ()

    @property
    def withdrawn(self) -> tuple[str, ...]:
        return ()

    @property
    def gpc(self) -> tuple[str, ...]:
        return ()

    @property
    def version(self) -> int:
        return 0

    @property
    def former(self) -> tuple[tuple[int, bytes], ...]:
        return ()

    @property
    def other_former(self) -> tuple[tuple[int, bytes], ...]:
        return ()

    @property
    def former_mids(self) -> tuple[bytes, ...]:
        return ()


_decoder = msgspec.msgpack.Decoder(list[Stored])


def decode(block: bytes) -> list[Stored]:
    """Return the interactions of an opened block."""
    return _decoder.decode(block)

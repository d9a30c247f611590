"""Packs that each brand chooses for itself: one for all, and others by brand."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from kit.packs import Pack, load

P = TypeVar("P", bound=Pack)


class _BrandsPack(Pack, frozen=True, kw_only=True):
    default: str
    brands: dict[str, str]


class ByBrand(Generic[P]):
    """The pack of each brand."""

    def __init__(self, usual: P, of_brands: Mapping[str, P]) -> None:
        self._usual, self._of_brands = usual, of_brands

    def of(self, brand: str) -> P:
        return self._of_brands.get(brand, self._usual)


def load_by_brand(path: Path, named: Callable[[str], P]) -> ByBrand[P]:
    """Return the packs that are named in `path`; raises PackError."""
    chosen = load(path, _BrandsPack)
    read = {name: named(name) for name in {chosen.default, *chosen.brands.values()}}
    return ByBrand(read[chosen.default], {brand: read[name] for brand, name in chosen.brands.items()})

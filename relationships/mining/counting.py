"""How many of each type have each trait at each value: one expression of ibis, here on DuckDB, in memory.

Counts are sums: those of two halves of the personas add up, and whoever has more than one machine hands the same
expression to Spark.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import ibis

Places = NDArray[np.int64]
_Setting = str | bool | int | float | list[str]


class Mined(NamedTuple):
    """One persona: its type, and its traits, whole numbers above 0; what is not there is 0."""

    type: str
    traits: Mapping[str, int]


class Counts(NamedTuple):
    """Of each trait the values there are, from 0 on, and how many personas have them: a row each, a column a type."""

    types: tuple[str, ...]
    traits: Mapping[str, tuple[Places, Places]]
    #: By type.
    personas: Places


def counted(facts: "ibis.Table", personas: "ibis.Table") -> "ibis.Table":
    """Return by trait, value and type how many `personas` (persona, type) have such `facts` (persona, trait, value)."""
    joined = facts.join(personas, "persona")
    return joined.group_by("trait", "value", "type").agg(count=joined.count())


def count(personas: Iterable[Mined]) -> Counts:
    """Return the counts. Takes seconds for the first time in a process, because ibis is loaded then."""
    every = list(personas)
    types = tuple(sorted({each.type for each in every}))
    traits = sorted({trait for each in every for trait in each.traits})
    of_type, of_trait = ({name: place for place, name in enumerate(names)} for names in (types, traits))
    kinds = np.array([of_type[each.type] for each in every], dtype=np.int64)
    facts = np.array(
        [(who, of_trait[trait], value) for who, each in enumerate(every) for trait, value in each.traits.items()],
        dtype=np.int64,
    ).reshape(-1, 3)
    sizes = np.bincount(kinds, minlength=len(types))
    found = _run(facts, kinds)
    return Counts(types, {name: _tabled(found[found[:, 0] == place], sizes) for name, place in of_trait.items()}, sizes)


def _run(facts: Places, kinds: Places) -> Places:
    import duckdb
    import ibis

    whole = "int64"
    expression = counted(
        ibis.table({"persona": whole, "trait": whole, "value": whole}, name="facts"),
        ibis.table({"persona": whole, "type": whole}, name="personas"),
    )
    # Nothing of it may reach a disk: no spilling, no extensions.
    config: dict[str, _Setting] = {"temp_directory": "", "autoinstall_known_extensions": False, "threads": 1}
    with duckdb.connect(":memory:", config=config) as engine:
        engine.register("facts", dict(zip(("persona", "trait", "value"), facts.T.copy(), strict=True)))
        engine.register("personas", {"persona": np.arange(len(kinds)), "type": kinds})
        rows = engine.execute(ibis.to_sql(expression, dialect="duckdb")).fetchall()
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def _tabled(rows: Places, sizes: Places) -> tuple[Places, Places]:
    values = np.union1d(rows[:, 1], [0])
    table = np.zeros((len(values), len(sizes)), dtype=np.int64)
    table[np.searchsorted(values, rows[:, 1]), rows[:, 2]] = rows[:, 3]
    # Whoever has no fact about it has it at 0.
    table[0] += sizes - table.sum(axis=0)
    return values, table

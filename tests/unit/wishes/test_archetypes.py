"""Archetype packs: what is said of a group names its people, its day and its end, or is not said."""

import datetime as dt

import pytest
import yaml

from kit.packs import PackError
from wishes.archetypes import PACKS, named_pack, read_pack, shipped

CELL = {
    "wishes": {"food": 0.62},
    "people": 412,
    "asked_on": dt.date(2026, 3, 1),
    "expires_on": dt.date(2028, 3, 1),
    "source": "a survey of our own",
}
DAY = dt.timedelta(days=1)


@pytest.fixture
def written(tmp_path):
    def written(market="megacity", group="health_conscious", **changed):
        told = yaml.safe_load((PACKS / "core.yaml").read_text())
        path = tmp_path / "own.yaml"
        path.write_text(yaml.safe_dump(told | {"cells": {market: {group: CELL | changed}}}))
        return path

    return written


class TestArchetypes:
    @pytest.mark.parametrize("name", shipped())
    def test_what_ships_is_read(self, name):
        assert named_pack(name).id == name

    def test_what_nobody_was_asked_about_stays_empty(self):
        core = named_pack("core")
        assert (len(core.groups), len(core.markets)) == (3, 4)
        assert core.archetype("megacity", "over_fifty", dt.date(2026, 3, 1)) is None

    def test_a_cell_is_known_from_the_day_it_was_asked_until_it_expires(self, written):
        pack = read_pack(written())

        def known(day):
            return pack.archetype("megacity", "health_conscious", day) is not None

        first, end = CELL["asked_on"], CELL["expires_on"]
        assert [known(day) for day in (first - DAY, first, end - DAY, end)] == [False, True, True, False]

    def test_neither_a_neighbour_nor_another_market_lends_its_figures(self, written):
        pack = read_pack(written())
        day = CELL["asked_on"]
        assert pack.archetype("megacity", "over_fifty", day) is None
        assert pack.archetype("developed", "health_conscious", day) is None

    @pytest.mark.parametrize(
        ("changed", "names"),
        [
            ({"market": "moon"}, "cells.moon"),
            ({"group": "everybody"}, "cells.megacity.everybody"),
            ({"people": 19}, "people"),
            ({"wishes": {}}, "wishes"),
            ({"wishes": {"food": 1.5}}, "wishes"),
            ({"expires_on": CELL["asked_on"]}, "expires_on"),
            ({"source": ""}, "source"),
        ],
    )
    def test_what_rests_on_too_little_is_refused_by_name(self, written, changed, names):
        with pytest.raises(PackError, match=names):
            read_pack(written(**changed))

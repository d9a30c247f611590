"""How a persona plays: from sums that worlds told, several dimensions at once, and surer the more there was."""

import pytest

from contracts.interaction.v1.payload import Interaction
from players.pack import named_pack
from services.profile.decay import DAY_MS
from services.profile.domain import Kind
from services.profile.playing import load_players, play_of, played, pronounced
from services.profile.traits import Traits, absorb, merge
from services.profile.weights import load_weights

HEXAD = named_pack("hexad6")
WEIGHTS = load_weights()
NOW = 1_000 * DAY_MS


def traits(at_ms=NOW, **counted):
    found = Traits()
    told = (
        Interaction(
            "world:oak", bytes(16), name.encode().ljust(16), int(Kind.PLAYED), at_ms, "world", None, (name,), much
        )
        for name, much in counted.items()
    )
    absorb(found, told, WEIGHTS)
    return found


class TestPlay:
    def test_of_nobody_a_world_told_of_nothing_is_said(self):
        assert play_of(HEXAD, Traits(), NOW) == {}
        assert play_of(HEXAD, traits(trades=5.0), NOW) == {}

    def test_dimensions_stand_out_together_or_not_at_all(self):
        busy = play_of(
            HEXAD, traits(hours=20.0, help_given=100.0, distance_explored=200_000.0, blocks_built=9_000.0), NOW
        )
        assert {"philanthropist", "free_spirit"} <= set(pronounced(busy))
        assert pronounced(play_of(HEXAD, traits(hours=20.0, trades=20.0), NOW)) == ()

    def test_worlds_add_up(self):
        both = merge(traits(hours=1.0, trades=3.0), traits(hours=2.0, help_given=4.0))
        assert played(both, NOW) == played(traits(hours=3.0, trades=3.0, help_given=4.0), NOW)
        assert played(both, NOW).hours == pytest.approx(3.0, abs=1e-3)

    def test_play_of_long_ago_tells_less(self):
        now, then = (
            play_of(HEXAD, traits(at_ms, hours=10.0, trades=90.0), NOW)["player"] for at_ms in (NOW, NOW - 400 * DAY_MS)
        )
        assert now.high - now.low < then.high - then.low
        assert now.mean > then.mean > 0.5

    def test_what_is_not_counted_in_worlds_is_not_kept(self):
        assert traits(hours=1.0, gaze=3.0).played.keys() == {"hours"}

    def test_play_says_nothing_of_likes_and_habits(self):
        found = traits(hours=1.0, trades=3.0)
        assert (found.likes, found.channels, found.last) == ({}, {}, [])

    def test_each_brand_has_its_pack(self, tmp_path):
        path = tmp_path / "players.yaml"
        path.write_text("{id: players, version: '1', default: bartle4, brands: {oak: yee3}}")
        packs = load_players(path)
        assert [packs.of(brand).id for brand in ("oak", "elm")] == ["yee3", "bartle4"]

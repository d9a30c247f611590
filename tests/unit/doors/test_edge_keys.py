"""Edge keys: one audience's pseudonyms say nothing about another's, and a new key is taken up."""

import pytest

from doors.subjects import EdgeKeys, partition_of
from kit.keyring import FolderKeyRing, KeyMissingError


class FakeClock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def edge_keys(keyring: FolderKeyRing, clock: FakeClock) -> EdgeKeys:
    return EdgeKeys(keyring, clock)


class TestOf:
    def test_audiences_cannot_be_compared(self, edge_keys: EdgeKeys, keyring: FolderKeyRing) -> None:
        keyring.ensure("edge")
        assert edge_keys.of("app:shop").user("u") != edge_keys.of("app:forum").user("u")
        assert edge_keys.of("app:shop").user("u") == edge_keys.of("app:shop").user(" u\n")

    def test_uses_keep_apart(self, edge_keys: EdgeKeys, keyring: FolderKeyRing) -> None:
        keyring.ensure("edge")
        keys = edge_keys.of("app:shop")
        assert len({keys.user("x"), keys.anonymous("x"), keys.group("x"), keys.message("x")}) == 4

    def test_new_version_is_taken_up_within_a_second(
        self, edge_keys: EdgeKeys, keyring: FolderKeyRing, clock: FakeClock
    ) -> None:
        keyring.create("edge")
        before = edge_keys.of("app:shop").user("u")
        keyring.create("edge")
        clock.now += 1
        assert edge_keys.of("app:shop").user("u") != before

    def test_tells_what_an_id_was_under_versions_that_are_read(
        self, edge_keys: EdgeKeys, keyring: FolderKeyRing, clock: FakeClock
    ) -> None:
        keyring.create("edge")
        first = edge_keys.of("app:shop")
        assert (first.version, first.former_users("u"), first.former_anonymous("u")) == (1, (), ())
        keyring.create("edge")
        clock.now += 1
        second = edge_keys.of("app:shop")
        assert (second.version, second.former_users("u")) == (2, ((1, first.user("u")),))
        assert second.former_anonymous("u") == ((1, first.anonymous("u")),)
        keyring.create("edge")
        keyring.retire("edge", "1")
        clock.now += 1
        assert edge_keys.of("app:shop").former_users("u") == ((2, second.user("u")),)

    def test_message_ids_are_told_under_the_key_of_before_for_a_day(
        self, keyring: FolderKeyRing, clock: FakeClock
    ) -> None:
        keyring.create("edge")
        wall = FakeClock()
        edge_keys = EdgeKeys(keyring, clock, wall)
        first = edge_keys.of("app:shop")
        assert first.former_messages("m") == ()
        keyring.create("edge")
        turned_at = wall.now = keyring.created_at("edge", "2")
        clock.now += 1
        assert edge_keys.of("app:shop").former_messages("m") == (first.message("m"),)
        wall.now = turned_at + 2 * 86_400
        clock.now += 1
        assert edge_keys.of("app:shop").former_messages("m") == ()
        assert edge_keys.of("app:shop").former_users("u") == ((1, first.user("u")),)

    def test_ring_without_edge_key_is_said(self, edge_keys: EdgeKeys) -> None:
        with pytest.raises(KeyMissingError):
            edge_keys.of("app:shop")


class TestPartitionOf:
    @pytest.mark.parametrize(("first", "partition"), [(0, 0), (63, 3), (64, 0), (255, 3)])
    def test_owns_whole_shards(self, first: int, partition: int) -> None:
        assert partition_of(bytes([first, 7]), 4) == partition

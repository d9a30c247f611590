import random

import pytest

from kit.errors import InternalError
from kit.slots import Slots


@pytest.fixture
def path(tmp_path):
    return tmp_path / "content"


class TestSlots:
    def test_nothing_is_there_at_first(self, path):
        assert Slots(path).newest() is None
        assert Slots(path).heads() is None

    def test_the_newest_is_read_by_others_whatever_its_size(self, path):
        dice, other = random.Random(4), Slots(path)
        for number in range(60):
            body = dice.randbytes(dice.choice((0, 1, 300, 5_000, 40_000)))
            before = other.heads()
            Slots(path).write(body)
            assert other.newest() == (number, body)
            assert other.heads() != before

    def test_a_file_of_before_is_read_and_replaced(self, path):
        path.write_bytes(b'{"epoch": 1}')
        assert Slots(path).newest() == (-1, b'{"epoch": 1}')
        Slots(path).write(b"new")
        assert Slots(path).newest() == (0, b"new")

    def test_a_writing_that_was_cut_off_anywhere_leaves_the_one_before(self, path):
        dice = random.Random(5)
        slots = Slots(path)
        for body in (b"one", b"two" * 90, b"three"):
            slots.write(body)
        before = path.read_bytes()
        slots.write(b"four" * 300)
        after = path.read_bytes()
        changed = [place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        for _ in range(300):
            # Any of the bytes that were on their way may have arrived.
            arrived = set(dice.sample(changed, dice.randrange(len(changed))))
            path.write_bytes(bytes(after[at] if at in arrived else before[at] for at in range(len(after))))
            assert slots.newest() == (2, b"three")
            slots.write(b"five")
            assert slots.newest() == (3, b"five")

    @pytest.mark.parametrize("content", [b"", b"\0" * 8192, b"nonsense" * 1024])
    def test_no_whole_content_is_an_error(self, path, content):
        path.write_bytes(content)
        with pytest.raises(InternalError):
            Slots(path).newest()

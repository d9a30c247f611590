import asyncio

import pytest

from kit.errors import InternalError, UnavailableError
from kit.fence import FileMarks, Kept, NoMarks, Scope

OAK, ELM = Scope("oak", 1), Scope("elm", 2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fence" / "marks.json"


class TestKept:
    def test_a_database_that_is_as_new_passes(self):
        assert Kept(1, {OAK: 5}).passes({OAK: 5, ELM: 1})

    @pytest.mark.parametrize("heads", [{OAK: 4}, {}])
    def test_one_that_is_behind_or_knows_nothing_of_a_scope_does_not(self, heads):
        assert not Kept(1, {OAK: 5}).passes(heads)


class TestFileMarks:
    def test_nothing_is_kept_at_first(self, path):
        assert FileMarks(path).read() == Kept()

    async def test_another_process_reads_what_was_kept(self, path):
        other = FileMarks(path)
        assert other.read() == Kept()
        await FileMarks(path).keep(3, {OAK: 5, ELM: 7})
        assert other.read() == Kept(3, {OAK: 5, ELM: 7})

    async def test_nothing_is_lowered(self, path):
        marks = FileMarks(path)
        await marks.keep(3, {OAK: 5})
        assert await marks.keep(3, {OAK: 4, ELM: 1}) == Kept(3, {OAK: 5, ELM: 1})

    async def test_an_earlier_epoch_is_refused_and_leaves_nothing(self, path):
        late = FileMarks(path)
        await late.keep(3, {OAK: 5})
        await FileMarks(path).keep(4, {})
        with pytest.raises(UnavailableError):
            await late.keep(3, {OAK: 6})
        assert late.read() == Kept(4, {OAK: 5})

    async def test_many_at_once_share_a_writing(self, path):
        marks = FileMarks(path)
        await asyncio.gather(*(marks.keep(1, {Scope("oak", number): number}) for number in range(1, 51)))
        assert marks.read() == Kept(1, {Scope("oak", number): number for number in range(1, 51)})

    async def test_who_gives_up_takes_nobody_along(self, path):
        marks = FileMarks(path)
        waiting = [asyncio.create_task(marks.keep(1, {scope: 9})) for scope in (OAK, ELM)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        assert (await waiting[1]).heads[ELM] == 9

    async def test_what_cannot_be_written_is_unavailable(self, path):
        path.with_suffix(".lock").mkdir(parents=True)
        with pytest.raises(UnavailableError):
            await FileMarks(path).keep(1, {OAK: 1})

    def test_what_cannot_be_read_is_unavailable(self, path):
        path.parent.write_text("a file where the folder should be")
        with pytest.raises(UnavailableError):
            FileMarks(path).read()

    @pytest.mark.parametrize("content", [b"", b"{", b'{"epoch": "x", "heads": {}}'])
    def test_a_damaged_file_is_not_taken_for_an_empty_one(self, path, content):
        path.parent.mkdir()
        path.write_bytes(content)
        with pytest.raises(InternalError):
            FileMarks(path).read()


class TestNoMarks:
    async def test_keeps_nothing(self):
        marks = NoMarks()
        await marks.keep(3, {OAK: 5})
        assert marks.read() == Kept()

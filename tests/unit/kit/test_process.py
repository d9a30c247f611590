import asyncio

import pytest
from structlog.testing import capture_logs

from kit.errors import UnavailableError
from kit.process import wait_for


class TestWaitFor:
    async def test_waits_until_the_check_passes(self):
        answers = [UnavailableError(), OSError(), None]

        async def check():
            answer = answers.pop(0)
            if answer is not None:
                raise answer

        await wait_for(check, "database", first_s=0.001)
        assert answers == []

    async def test_says_so_when_it_takes_long(self):
        tried = []

        async def check():
            tried.append(1)
            if len(tried) < 5:
                raise UnavailableError

        with capture_logs() as lines:
            await wait_for(check, "database", first_s=0.001, most_s=0.002)
        assert {(line["event"], line["dependency"]) for line in lines} == {("dependency.missed", "database")}

    async def test_a_defect_is_not_waited_out(self):
        async def check():
            raise KeyError

        with pytest.raises(KeyError):
            await wait_for(check, "database")

    async def test_can_be_given_up(self):
        async def check():
            raise UnavailableError

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wait_for(check, "database"), 0.05)

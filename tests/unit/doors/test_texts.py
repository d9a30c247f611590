"""Texts at the door: judged beside the loop, bounded, and dropped rather than waited for; the event always goes on."""

import asyncio
import threading

import pytest
from prometheus_client import REGISTRY

from contracts.interaction.v1.interaction_pb2 import Kind
from contracts.interaction.v1.payload import Interaction, Quarantined
from doors.texts import Texts
from kit.process import Readiness

FAN = (-8, -4, -8, 8, -8)


class Fans:
    """Hears a fan in everything, once it may."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.calls = 0
        self.may_judge = threading.Event()
        self.may_judge.set()

    def judge(self, texts):
        self.may_judge.wait(10)
        if "broken" in texts:
            raise ValueError(texts)
        self.calls += 1
        self.heard += texts
        return [FAN] * len(texts)


@pytest.fixture
def judge():
    judge = Fans()
    yield judge
    judge.may_judge.set()


def event(number: int, kind: int = Kind.KIND_PRAISED, **facts) -> Interaction:
    return Interaction("app:shop", b"e" * 16, bytes([number]) * 16, int(kind), 0, "web", **facts)


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("texts_dropped_total", {"reason": reason}) or 0.0


async def heard(texts: Texts, *events, text: str = "I love it"):
    return [each.stances for each in await texts.hear(events, {each.mid: text for each in events})]


class TestHear:
    async def test_evidence_goes_on_and_the_text_does_not(self, judge):
        fates = await Texts(lambda: judge).hear([event(1), event(2)], {event(2).mid: "I love it"})
        assert [each.stances for each in fates] == [(), FAN]
        assert "love" not in repr(fates)

    async def test_only_kinds_that_allow_it_are_heard(self, judge):
        assert await heard(Texts(lambda: judge), event(1, Kind.KIND_BOUGHT), event(2, Kind.KIND_ASKED)) == [(), FAN]

    @pytest.mark.parametrize("purpose", ["collect.behaviour", "remember.conversation"])
    async def test_what_is_refused_with_the_very_event_is_not_looked_at(self, judge, purpose):
        assert await heard(Texts(lambda: judge), event(1, withdrawn=(purpose,))) == [()]
        assert judge.heard == []

    async def test_what_was_set_aside_is_not_looked_at(self, judge):
        set_aside = Quarantined("app:shop", b"q" * 16, "out_of_range", "properties.value")
        assert await Texts(lambda: judge).hear([set_aside], {set_aside.mid: "I love it"}) == [set_aside]

    async def test_the_judge_is_loaded_with_the_first_text_and_once(self, judge):
        loaded = []
        texts = Texts(lambda: loaded.append(1) or judge)
        assert await texts.hear([event(1)], {}) == [event(1)]
        assert loaded == []
        for number in (1, 2):
            await heard(texts, event(number))
        assert loaded == [1]

    async def test_a_door_is_not_ready_before_its_judge_is(self, judge):
        may_load, readiness = threading.Event(), Readiness()
        texts = Texts(lambda: may_load.wait(10) and judge)
        loading = asyncio.create_task(texts.load(readiness))
        await asyncio.sleep(0)
        assert await readiness.look() == {"texts": "UNAVAILABLE"}
        may_load.set()
        await loading
        assert await readiness.look() == {"texts": "ok"}

    async def test_a_judge_that_was_loaded_before_is_not_loaded_again(self, judge):
        loaded = []
        texts = Texts(lambda: loaded.append(1) or judge)
        await texts.load(Readiness())
        assert (loaded, await heard(texts, event(1))) == ([1], [FAN])

    async def test_nobody_waits_longer_for_a_judge_that_is_being_loaded(self, judge):
        may_load, before = threading.Event(), dropped("late")
        texts = Texts(lambda: may_load.wait(10) and judge, patience_s=0.01)
        assert await heard(texts, event(1)) == [()]
        may_load.set()
        assert dropped("late") - before == 1

    async def test_a_judge_that_cannot_be_loaded_costs_the_evidence_alone(self):
        before = dropped("failed")
        assert await heard(Texts(lambda: {}["nothing"]), event(1)) == [()]
        assert dropped("failed") - before == 1


class TestBounds:
    async def test_a_full_queue_drops_the_evidence_and_counts_it(self, judge):
        texts, before = Texts(lambda: judge, most_waiting=2), dropped("queue_full")
        assert await heard(texts, *map(event, range(5))) == [FAN, FAN, (), (), ()]
        assert dropped("queue_full") - before == 3
        assert await heard(texts, event(9)) == [FAN]

    async def test_whoever_takes_too_long_is_not_waited_for(self, judge):
        texts, before = Texts(lambda: judge, most_waiting=1, patience_s=0.01), (dropped("late"), dropped("queue_full"))
        judge.may_judge.clear()
        assert await heard(texts, event(1)) == [()]
        # The first is still being judged.
        assert await heard(texts, event(2)) == [()]
        assert (dropped("late") - before[0], dropped("queue_full") - before[1]) == (1, 1)

    async def test_texts_of_many_requests_are_judged_together(self, judge):
        texts = Texts(lambda: judge)
        judge.may_judge.clear()
        hearing = [asyncio.create_task(heard(texts, event(number))) for number in range(5)]
        await asyncio.sleep(0)
        judge.may_judge.set()
        assert await asyncio.gather(*hearing) == [[FAN]] * 5
        assert judge.calls < 5

    async def test_the_loop_goes_on_meanwhile(self, judge):
        judge.may_judge.clear()
        hearing = asyncio.create_task(heard(Texts(lambda: judge), event(1)))
        await asyncio.sleep(0)
        judge.may_judge.set()
        assert await hearing == [FAN]

    async def test_a_judge_that_fails_costs_the_evidence_alone(self, judge, caplog):
        before = dropped("failed")
        assert await heard(Texts(lambda: judge), event(1), text="broken") == [()]
        assert dropped("failed") - before == 1
        assert "broken" not in caplog.text

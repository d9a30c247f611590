"""The shadow sample: texts are judged later, kinds are counted, the path never waits."""

import pytest
from prometheus_client import CollectorRegistry

from kit.filtering.shadow import Shadow, interval, judging
from kit.testing import eventually


class Names:
    name = "names"

    def finds(self, text: str) -> list[str]:
        if "broken" in text:
            raise ValueError(text)
        return ["person", "person"] if "Ann" in text else []


def shadow(registry: CollectorRegistry, chance: float = 0.0) -> Shadow:
    return Shadow(Names(), 0.01, registry, chance=lambda: chance)


class TestShadow:
    def test_the_leak_rate_is_counted_by_kind(self) -> None:
        registry = CollectorRegistry()
        sample = shadow(registry)
        for text in ("Ann's chair", "chair", "table"):
            sample.offer(text)
        assert sample.judge_waiting() == 3
        assert registry.get_sample_value("shadow_judged_total") == 3
        assert registry.get_sample_value("shadow_leaks_total", {"kind": "person"}) == 1

    def test_most_texts_are_not_kept(self) -> None:
        sample = shadow(CollectorRegistry(), chance=0.5)
        sample.offer("chair")
        assert sample.judge_waiting() == 0

    def test_a_full_sample_drops_and_does_not_wait(self) -> None:
        sample = shadow(CollectorRegistry())
        for _ in range(1_000):
            sample.offer("chair")
        assert sample.judge_waiting() == 256
        assert sample.judge_waiting() == 0

    def test_texts_that_are_dropped_are_counted(self) -> None:
        registry = CollectorRegistry()
        sample = shadow(registry)
        for _ in range(257):
            sample.offer("chair")
        assert registry.get_sample_value("shadow_dropped_total") == 1

    def test_the_rate_has_an_interval(self) -> None:
        registry = CollectorRegistry()
        sample = shadow(registry)
        for text in ("Ann's chair", "chair", "table", "lamp"):
            sample.offer(text)
        sample.judge_waiting()
        rates = [
            registry.get_sample_value("shadow_leak_rate", {"bound": bound})
            for bound in ("lower95", "estimate", "upper95")
        ]
        assert rates == pytest.approx([0.0456, 0.25, 0.6994], abs=1e-3)

    def test_what_cannot_be_judged_is_counted_and_not_told(self, capfd: pytest.CaptureFixture[str]) -> None:
        registry = CollectorRegistry()
        sample = shadow(registry)
        sample.offer("broken chair")
        sample.judge_waiting()
        assert registry.get_sample_value("shadow_failed_total") == 1
        assert registry.get_sample_value("shadow_judged_total") == 0
        assert "broken" not in "".join(capfd.readouterr())


class TestJudging:
    async def test_a_thread_judges_and_ends(self) -> None:
        registry = CollectorRegistry()
        sample = shadow(registry)
        with judging(sample, every_s=0.001):
            sample.offer("Ann's chair")
            await eventually(lambda: registry.get_sample_value("shadow_leaking_total") == 1)
        sample.offer("chair")
        assert sample.judge_waiting() == 1


class TestInterval:
    @pytest.mark.parametrize(("found", "of", "least", "most"), [(0, 100, 0.0, 0.037), (100, 100, 0.963, 1.0)])
    def test_is_sound_at_the_ends(self, found: int, of: int, least: float, most: float) -> None:
        assert interval(found, of) == pytest.approx((least, most), abs=1e-3)

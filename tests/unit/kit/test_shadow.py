"""The shadow sample: texts are judged later, kinds are counted, the path never waits."""

from prometheus_client import CollectorRegistry

from kit.filtering.shadow import Shadow


class Names:
    name = "names"

    def finds(self, text: str) -> list[str]:
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

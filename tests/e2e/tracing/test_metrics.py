import secrets

import httpx
from prometheus_client.parser import text_string_to_metric_families

from kit.testing import eventually
from tests.e2e.running import RunningStack

PROCESSES = {"consent", "profile", "profile_fold", "recommendation", "avatar", "gateway", "avatar_adapter"}


def measured(ops: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Every sample of a process: name → labels → value."""
    page = httpx.get(f"{ops}/metrics")
    assert page.status_code == 200
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(page.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def track(stack: RunningStack, key: str) -> int:
    event = {"event": "Product Viewed", "userId": secrets.token_hex(8), "properties": {"product_id": "p-1"}}
    return httpx.post(f"{stack.endpoints['gateway']}/v1/track", auth=(key, ""), json=event).status_code


def ask_for_advice(stack: RunningStack) -> None:
    """Let a visitor allow offers and ask for one."""
    ends = stack.endpoints
    boot = secrets.token_hex(4)
    token = {"Authorization": f"Bearer {ends['world_token']}"}
    with httpx.Client(base_url=ends["adapter"], headers=token) as client:

        def frame(number: int, **rest: object) -> dict[str, str]:
            answer = client.post("/a/v1", json={"i": f"{boot}-{number}", **rest})
            assert answer.status_code == 200, answer.text
            return answer.json()

        visitor = secrets.token_urlsafe(16)
        visit = frame(1, op="open", w=ends["world"], a=ends["avatar"], v=visitor, lang="en")["s"]
        frame(2, op="con", s=visit, give=["personalise.world", "recommend.offer"])
        frame(3, op="ask", s=visit, k="rec", q="What would I like?")


class TestMetrics:
    def test_every_process_has_a_page(self, stack):
        assert set(stack.endpoints["ops"]) == PROCESSES
        for name, ops in stack.endpoints["ops"].items():
            assert "process_cpu_seconds_total" in measured(ops), name

    def test_doors_count_requests_by_their_outcome(self, stack):
        assert track(stack, stack.endpoints["write_key"]) == 200
        assert track(stack, "mb_wrong_key") == 401
        counted = measured(stack.endpoints["ops"]["gateway"])["http_server_seconds_count"]
        assert {"200", "401"} <= {dict(labels)["status"] for labels in counted}

    def test_services_count_every_rpc_that_one_piece_of_advice_needs(self, stack):
        ask_for_advice(stack)
        expected = {
            "avatar": "contracts.avatar.v1.AvatarService/Ask",
            "profile": "contracts.profile.v1.ProfileService/ReadPersona",
            "consent": "contracts.consent.v1.ConsentService/Check",
            "recommendation": "contracts.recommendation.v1.RecommendationService/Recommend",
        }
        for name, method in expected.items():
            counted = measured(stack.endpoints["ops"][name])["rpc_server_seconds_count"]
            assert counted.get((("method", method), ("status", "OK")), 0) >= 1, name

    async def test_the_folder_counts_what_it_took_from_the_stream(self, stack):
        assert track(stack, stack.endpoints["write_key"]) == 200
        ops = stack.endpoints["ops"]["profile_fold"]
        await eventually(lambda: sum(measured(ops).get("follower_handled_total", {}).values()), timeout_s=30)

    def test_no_label_carries_what_a_caller_invented(self, stack):
        invented = f"invented-{secrets.token_hex(6)}"
        for door in ("gateway", "adapter"):
            httpx.post(f"{stack.endpoints[door]}/{invented}", json={"userId": invented})
        for ops in stack.endpoints["ops"].values():
            assert invented not in httpx.get(f"{ops}/metrics").text

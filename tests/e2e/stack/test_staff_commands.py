"""What staff type: why a consent allows or denies, floors, and aggregates, against a running stack."""

import json

import httpx
import pytest
from typer.testing import CliRunner

from maskenball.__main__ import app

PERSONALISE = "personalise.world"


@pytest.fixture
def typed(shared_stack):
    def typed(*words):
        return CliRunner().invoke(app, [*words, "--data-dir", str(shared_stack.folder)])

    return typed


@pytest.fixture
def asked(shared_stack):
    endpoints = shared_stack.endpoints
    headers = {"authorization": f"Bearer {endpoints['write_key']}"}
    with httpx.Client(base_url=f"{endpoints['gateway']}/v1/", headers=headers, timeout=20) as client:

        def asked(path, **body):
            return client.post(path, json={"userId": "visitor-of-staff", **body}).raise_for_status().json()

        yield asked


class TestExplain:
    def test_it_says_why_with_the_records_that_led_there(self, typed, asked):
        asked("consent/grant", purposes=[PERSONALISE])
        handle = asked("persona", purpose=PERSONALISE)["view"]["handle"]

        allowed = typed("consent", "explain", handle, "--purpose", PERSONALISE)
        withdrawn = asked("consent/withdraw", purposes=[PERSONALISE])["records"][0]
        denied = typed("consent", "explain", handle, "--purpose", PERSONALISE, "--json")

        assert allowed.exit_code == denied.exit_code == 0
        assert f"{PERSONALISE} is allowed for app:shop: GRANTED" in allowed.stdout
        told = json.loads(denied.stdout)
        assert (told["decision"]["is_allowed"], told["decision"]["reason"]) == (False, "WITHDRAWN")
        assert [record["state"] for record in told["records"]] == ["withdrawn", "given"]
        assert told["records"][0]["record_id"] == withdrawn["record_id"] == told["decision"]["record_id"]

    def test_a_handle_of_nobody_is_refused(self, typed):
        refused = typed("consent", "explain", f"1.{'0' * 32}", "--purpose", PERSONALISE)

        assert refused.exit_code == 1
        assert "HANDLE_UNKNOWN" in refused.stderr


class TestExplainDecision:
    def test_it_says_why_and_why_not(self, typed, asked):
        asked("consent/grant", purposes=["recommend.offer"])
        decision = asked("decisions", channel="web", initiative="persona", acts=["hello"])["decision"]

        shown = typed("explain", decision)
        told = json.loads(typed("explain", decision, "--json").stdout)
        why_not = typed("explain", decision, "--why-not", "tea-1")

        assert shown.exit_code == why_not.exit_code == 0
        assert f"{told['act']}" in shown.stdout
        assert (told["moment"]["initiative"], told["policy"]) == ("persona", "softmax")
        assert "tea-1 is not among the best that were weighed" in why_not.stdout

    def test_an_id_of_nothing_is_refused(self, typed):
        refused = typed("explain", "1.made-up")

        assert (refused.exit_code, "NOT_FOUND" in refused.stderr) == (1, True)


class TestPolicy:
    def test_the_bandit_does_not_go_live_on_hope(self, typed):
        refused = typed("policy", "set", "bandit")
        told = typed("policy", "show", "--json")

        assert refused.exit_code == 1
        assert "POLICY_UNPROVEN" in refused.stderr
        assert json.loads(told.stdout) == {"policy": "softmax", "answers": 0, "gain": None, "goes_live": False}


class TestRaiseFloor:
    def test_the_floor_in_force_is_told(self, typed):
        raised = typed("consent", "raise-floor", "research.model", "1")

        assert (raised.exit_code, json.loads(raised.stdout)) == (0, {"floor": 1})

    def test_a_floor_above_the_pack_is_refused_with_the_limit(self, typed):
        refused = typed("consent", "raise-floor", "research.model", "99")

        assert refused.exit_code == 1
        assert "field: floor, limit: 1 to 1" in refused.stderr.replace("\n", " ")


class TestAggregates:
    def test_it_is_paid_once_and_refused_when_it_is_spent(self, typed):
        question = ("aggregates", "likes", "--audience", "app:shop", "--epsilon")

        first, again = (json.loads(typed(*question, "2", "--json").stdout) for _ in range(2))
        shown, refused = typed(*question, "2"), typed(*question, "1.5")

        assert first == again
        assert (first["threshold"], first["spent"], first["budget"]) == (28, 2, 3)
        assert "2 of 3 are spent in 30 days." in shown.stdout
        assert refused.exit_code == 1
        assert "PRIVACY_BUDGET_SPENT" in refused.stderr

    def test_without_a_stack_it_says_how_to_start_one(self, tmp_path):
        refused = CliRunner().invoke(
            app, ["aggregates", "likes", "--audience", "app:shop", "--data-dir", str(tmp_path)]
        )

        assert refused.exit_code == 1
        assert "maskenball up --data-dir" in refused.stderr.replace("\n", " ")


class TestReport:
    def test_of_few_nothing_is_told_and_what_is_assumed_must_add_up(self, typed):
        told = json.loads(typed("report", "relationships", "--json").stdout)
        shown, refused = typed("report", "relationships"), typed("report", "relationships", "--assume", "fan:0.5")

        assert (told["pack"], told["personas"]) == ("core4/1", 0)
        assert "Fewer than 20 personas" in shown.stdout
        assert refused.exit_code == 1
        assert "ASSUMPTION_REFUSED" in refused.stderr

    def test_where_nobody_may_be_counted_nothing_is_mined(self, typed):
        told = json.loads(typed("report", "mining", "--json").stdout)
        shown = typed("report", "mining")

        assert (told["pack"], told["findings"]["found"]) == ("core4/1", [])
        assert "0 of 0 pairs" in shown.stdout

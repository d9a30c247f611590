import pytest

from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.errors import RemoteError, Status
from tests.integration.gateway.test_me import asked, bearer

PATH = "/v1/policy"


class TestPolicy:
    async def test_staff_are_told_what_draws_and_nothing_of_few_answers(self, gateway):
        answer = await gateway.http.get(PATH, headers=bearer(gateway.keys.staff))
        assert answer.json() == {"policy": "softmax", "answers": 7, "gain": None, "goes_live": False}

    async def test_staff_set_what_draws(self, gateway):
        standing = messages.Policy(policy="bandit", answers=900, gain=0.2, gain_low=0.1, gain_high=0.3, goes_live=True)
        gateway.services.answers["SetPolicy"] = messages.SetPolicyResponse(policy=standing)
        answer = await gateway.http.put(PATH, json={"policy": "bandit"}, headers=bearer(gateway.keys.staff))
        assert answer.json()["gain"] == {"value": 0.2, "low": 0.1, "high": 0.3}
        [request] = asked(gateway, messages.SetPolicyRequest)
        assert (request.brand, request.policy) == ("oak", "bandit")

    async def test_what_is_not_proven_is_a_conflict(self, gateway):
        unproven = RemoteError("its lower bound must be above 0", reason="POLICY_UNPROVEN", status=Status.CONFLICT)
        gateway.services.answers["SetPolicy"] = unproven
        answer = await gateway.http.put(PATH, json={"policy": "bandit"}, headers=bearer(gateway.keys.staff))
        assert (answer.status_code, answer.json()["code"]) == (409, "POLICY_UNPROVEN")

    @pytest.mark.parametrize("wrong", [{"policy": "best"}, {}, {"policy": 1}])
    async def test_what_is_no_policy_is_named(self, gateway, wrong):
        answer = await gateway.http.put(PATH, json=wrong, headers=bearer(gateway.keys.staff))
        assert (answer.status_code, answer.json()["field"]) == (400, "body.policy")

    async def test_an_app_is_told_nothing(self, gateway):
        assert (await gateway.http.get(PATH, headers=bearer(gateway.keys.app))).status_code == 401

import pytest

from contracts.avatar.v1 import avatar_pb2
from contracts.recommendation.v1 import recommendation_pb2 as messages
from tests.integration.gateway.test_me import asked, bearer

ID = bytes(range(16))
BODY = {"userId": "u", "channel": "web"}


@pytest.fixture
async def decided(gateway):
    """A decision to offer tea-1, as the app was told of it."""
    gateway.services.answers["Decide"] = messages.DecideResponse(
        decision_id=ID,
        act="offer",
        item="tea-1",
        also=["tea-2"],
        p_accept=0.3,
        reasons=[messages.Reason(kind="because_of_item", ref="tea-3", share=1.0)],
        style="plain",
    )
    listed = [avatar_pb2.Item(item="tea-1", title="Green tea"), avatar_pb2.Item(item="tea-3", title="Black tea")]
    gateway.services.answers["ListItems"] = avatar_pb2.ListItemsResponse(items=listed)
    answer = await gateway.http.post("/v1/decisions", json=BODY, headers=bearer(gateway.keys.app))
    assert answer.status_code == 200
    return answer.json()


class TestDecide:
    async def test_an_app_is_told_what_to_do_and_nothing_that_tells_people_apart(self, gateway, decided):
        assert (decided["act"], decided["offer"]["title"], decided["style"]) == ("offer", "Green tea", "plain")
        assert decided["reasons"][0]["title"] == "Black tea"
        assert [each["item"] for each in decided["also"]] == ["tea-2"]
        assert decided["offer"]["remove"].startswith("/v1/remove/")
        assert {"p_accept", "value", "propensity", "quiet_until_ms"}.isdisjoint(decided)
        [request] = asked(gateway, messages.DecideRequest)
        assert (request.initiative, list(request.acts), request.count) == ("brand", ["offer"], 1)
        assert request.subject.audience == "app:shop"

    @pytest.mark.parametrize(
        "silence", ["COMPLAINED", "CONTACTS_SPENT", "TOO_SOON", "QUIET_HOURS", "UNWELCOME", "SWITCHING"]
    )
    async def test_which_limit_of_contact_it_was_is_not_told(self, gateway, silence):
        told = messages.DecideResponse(decision_id=ID, act="silent", silence=silence, quiet_until_ms=5)
        gateway.services.answers["Decide"] = told
        answer = await gateway.http.post("/v1/decisions", json=BODY, headers=bearer(gateway.keys.app))
        assert answer.json()["silence"] == "RESERVED"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"acts": []},
            {"acts": ["sell"]},
            {"channel": "WEB"},
            {"interruption": 2},
            {"utc_offset_minutes": 900},
            {"activity": "dancing"},
            {"count": 11},
            {"also_in": ["WEB"]},
            {"market": "Mars"},
            {"least_age": -1},
        ],
    )
    async def test_what_does_not_fit_is_named(self, gateway, wrong):
        answer = await gateway.http.post("/v1/decisions", json={**BODY, **wrong}, headers=bearer(gateway.keys.app))
        assert answer.status_code == 400
        assert answer.json()["field"].startswith(f"body.{next(iter(wrong))}")
        assert not gateway.services.asked


class TestAnswer:
    async def test_the_id_says_about_whom_it_was(self, gateway, decided):
        path = f"/v1/decisions/{decided['decision']}/feedback"
        answer = await gateway.http.post(path, json={"outcome": "dismissed"}, headers=bearer(gateway.keys.app))
        assert answer.json() == {"is_repeat": False}
        [request], [about] = asked(gateway, messages.GiveFeedbackRequest), asked(gateway, messages.DecideRequest)
        assert (request.subject, request.decision_id, request.outcome) == (about.subject, ID, "dismissed")

    async def test_a_made_up_id_is_no_decision(self, gateway):
        path = "/v1/decisions/1.made-up/feedback"
        answer = await gateway.http.post(path, json={"outcome": "accepted"}, headers=bearer(gateway.keys.app))
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")

    async def test_another_outcome_is_refused(self, gateway, decided):
        path = f"/v1/decisions/{decided['decision']}/feedback"
        answer = await gateway.http.post(path, json={"outcome": "loved"}, headers=bearer(gateway.keys.app))
        assert (answer.status_code, answer.json()["field"]) == (400, "body.outcome")


class TestExplain:
    async def test_staff_and_the_person_are_told_and_the_app_is_not(self, gateway, decided):
        gateway.services.answers["ExplainDecision"] = messages.ExplainDecisionResponse(document=b'{"act": "offer"}')
        proof = await gateway.http.post("/v1/proofs", json={"userId": "u"}, headers=bearer(gateway.keys.app))
        path, own = f"/v1/decisions/{decided['decision']}/explain", f"/v1/me/decisions/{decided['decision']}/explain"
        told = await gateway.http.get(path, headers=bearer(gateway.keys.staff))
        told_me = await gateway.http.get(own, headers=bearer(proof.json()["proof"]))
        assert told.json() == told_me.json() == {"act": "offer"}
        assert (await gateway.http.get(path, headers=bearer(gateway.keys.app))).status_code in {401, 403}

    async def test_nobody_is_told_of_somebody_else(self, gateway, decided):
        proof = await gateway.http.post("/v1/proofs", json={"userId": "other"}, headers=bearer(gateway.keys.app))
        path = f"/v1/me/decisions/{decided['decision']}/explain"
        assert (await gateway.http.get(path, headers=bearer(proof.json()["proof"]))).status_code == 404


class TestOffers:
    async def test_terms_are_put_by_staff(self, gateway):
        gateway.services.answers["PutOffers"] = messages.PutOffersResponse(offers=1)
        terms = {"item": "tea-1", "least_age": 18, "channels": ["web"], "topics": ["drinks"], "until_ms": 5}
        answer = await gateway.http.put("/v1/offers", json={"offers": [terms]}, headers=bearer(gateway.keys.staff))
        assert answer.json() == {"offers": 1}
        [request] = asked(gateway, messages.PutOffersRequest)
        assert request.terms[0] == messages.Terms(**terms, benefit=1.0)


class TestRecommendations:
    async def test_offers_that_were_decided_are_answered_for(self, gateway):
        offers = [messages.Offer(item="tea-1", score=1.0)]
        gateway.services.answers["Recommend"] = messages.RecommendResponse(offers=offers, decision_id=ID)
        body = {"userId": "u", "channel": "shop"}
        told = await gateway.http.post("/v1/recommendations", json=body, headers=bearer(gateway.keys.app))
        path = f"/v1/decisions/{told.json()['decided']}/feedback"
        answer = await gateway.http.post(path, json={"outcome": "accepted"}, headers=bearer(gateway.keys.app))
        assert answer.status_code == 200
        [asking], [said] = (asked(gateway, kind) for kind in (messages.RecommendRequest, messages.GiveFeedbackRequest))
        assert (asking.channel, said.decision_id, said.subject) == ("shop", ID, asking.subject)

    async def test_offers_that_were_ranked_are_not(self, gateway):
        told = await gateway.http.post("/v1/recommendations", json={"userId": "u"}, headers=bearer(gateway.keys.app))
        assert told.json()["decided"] == ""

import pytest

from contracts.profile.v1 import profile_pb2
from kit.errors import Status, TypedError

PATH = "/v1/aggregates"


class PrivacyBudgetSpentError(TypedError):
    reason = "PRIVACY_BUDGET_SPENT"
    status = Status.EXHAUSTED


def key(secret):
    return {"Authorization": f"Bearer {secret}"}


async def test_an_app_is_told_of_its_own_audience(gateway):
    gateway.services.answers["ReadAggregate"] = profile_pb2.ReadAggregateResponse(
        counts=[profile_pb2.NoisyCount(key="tea", count=120)], threshold=57, scale=3, spent=1, budget=3, window_days=30
    )

    answer = await gateway.http.get(PATH, params={"counted": "likes", "epsilon": 1}, headers=key(gateway.keys.analyst))

    told = answer.json()
    assert (told["audience"], told["counts"], told["threshold"], told["spent"]) == ("app:shop", {"tea": 120}, 57, 1)
    (asked,) = gateway.services.asked
    assert (asked.brand, asked.audience, asked.counted, asked.epsilon) == ("oak", "app:shop", "likes", 1)


async def test_staff_name_the_audience(gateway):
    asked = {"counted": "likes", "audience": "world:oak-street"}

    answer = await gateway.http.get(PATH, params=asked, headers=key(gateway.keys.staff))

    assert answer.json()["audience"] == gateway.services.asked[0].audience == "world:oak-street"


async def test_a_spent_budget_says_when_to_come_back(gateway):
    gateway.services.answers["ReadAggregate"] = PrivacyBudgetSpentError(
        "3 of 3 are spent", field="epsilon", limit="3 in 30 days", retry_after_s=86_400
    )

    answer = await gateway.http.get(PATH, params={"counted": "likes"}, headers=key(gateway.keys.analyst))

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "86400")
    assert answer.json() == {
        "code": "PRIVACY_BUDGET_SPENT",
        "message": "3 of 3 are spent",
        "field": "epsilon",
        "limit": "3 in 30 days",
    }


@pytest.mark.parametrize(
    ("who", "asked", "status", "field"),
    [
        ("write", {}, 403, None),
        ("app", {}, 403, None),
        ("world", {}, 401, None),
        ("staff", {}, 400, "audience"),
        ("analyst", {"audience": "world:oak-street"}, 403, "audience"),
        ("analyst", {"counted": "Names!"}, 400, "query.counted"),
        ("analyst", {"epsilon": "nan"}, 400, "query.epsilon"),
        ("analyst", {"epsilon": 0.001}, 400, "query.epsilon"),
        ("analyst", {"surprise": 1}, 400, "query"),
    ],
)
async def test_what_may_not_be_asked_is_refused(gateway, who, asked, status, field):
    headers = key(getattr(gateway.keys, who))

    answer = await gateway.http.get(PATH, params={"counted": "likes", **asked}, headers=headers)

    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert gateway.services.asked == []


async def test_staff_are_told_how_many_are_in_each_wish_segment(gateway):
    gateway.services.answers["ReadWishSegments"] = profile_pb2.ReadWishSegmentsResponse(
        segments=[profile_pb2.WishSegment(name="tea-lovers", personas=150)], told_from=50
    )

    answer = await gateway.http.get("/v1/wish-segments", headers=key(gateway.keys.staff))

    assert answer.json() == {"personas": {"tea-lovers": 150}, "told_from": 50}
    assert gateway.services.asked[0].brand == "oak"


async def test_an_app_is_not_told_of_wish_segments(gateway):
    answer = await gateway.http.get("/v1/wish-segments", headers=key(gateway.keys.analyst))

    assert (answer.status_code, gateway.services.asked) == (401, [])

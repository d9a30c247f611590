import pytest

PATH = "/v1/reports/relationships"


def key(secret):
    return {"Authorization": f"Bearer {secret}"}


async def test_staff_are_told_beside_what_they_assume(gateway):
    asked = {"audience": "app:shop", "assumed": ["fan:0.6", "ruler:0.4"]}
    answer = await gateway.http.get(PATH, params=asked, headers=key(gateway.keys.staff))
    assert answer.json() == {"personas": 0}
    (request,) = gateway.services.asked
    assert (request.brand, request.audience, dict(request.assumed)) == ("oak", "app:shop", {"fan": 0.6, "ruler": 0.4})


async def test_staff_are_told_what_was_mined(gateway):
    asked = {"audience": "app:shop"}
    answer = await gateway.http.get("/v1/reports/mining", params=asked, headers=key(gateway.keys.staff))
    assert answer.json() == {"pack": "core4/1"}
    (request,) = gateway.services.asked
    assert (request.brand, request.audience) == ("oak", "app:shop")


@pytest.mark.parametrize("path", [PATH, "/v1/reports/mining"])
async def test_an_app_is_told_nothing(gateway, path):
    answer = await gateway.http.get(path, headers=key(gateway.keys.analyst))
    assert (answer.status_code, gateway.services.asked) == (401, [])


@pytest.mark.parametrize("assumed", [["fan"], ["fan:2"], ["fan:-1"], ["fan:0.5", "fan:0.5"], ["fan:nan"]])
async def test_what_is_no_share_is_refused_by_name(gateway, assumed):
    answer = await gateway.http.get(PATH, params={"assumed": assumed}, headers=key(gateway.keys.staff))
    assert (answer.status_code, gateway.services.asked) == (400, [])
    assert "assumed" in answer.json()["field"]

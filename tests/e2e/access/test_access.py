"""Nothing is read or written with a key that must not: at every door, by every way in, and all of it is on record."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from kit.credentials import Credentials
from kit.keyring import FolderKeyRing
from kit.testing import eventually
from services.consent.purposes import PACK
from tests.e2e.access.doors import Door, Shown, doors, wrong_keys
from tests.e2e.running import RunningStack

pytestmark = pytest.mark.timeout(120)
# What an app reads and writes of somebody.
_BODIES: dict[str, Any] = {
    "persona": {"purpose": "personalise.world"},
    "recommendations": {},
    "consent/list": {},
    "consent/receipt": {},
    "consent/explain": {"purpose": "personalise.world"},
    "consent/withdraw": {},
}
_REFUSED = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def elm(shared_stack: RunningStack) -> dict[str, str]:
    """Keys of another brand, for an app and a world of the same names, and for its staff."""
    pepper = FolderKeyRing(shared_stack.folder / "keyring").current("pepper").secret
    credentials = Credentials(shared_stack.folder / "credentials.json", pepper)
    world = shared_stack.endpoints["world"]
    return {
        "app": credentials.mint("source", "elm", "app:shop", scopes=["app"])[0],
        "world": credentials.mint("world", "elm", f"world:{world}")[0],
        "staff": credentials.mint("staff", "elm", "eve")[0],
    }


@pytest.fixture(scope="module")
def known(shared_stack: RunningStack, http: httpx.Client) -> dict[str, Any]:
    """Somebody whom one app of one brand knows, with the handle there."""
    gateway, key = shared_stack.endpoints["gateway"], bearer(shared_stack.endpoints["write_key"])
    body = {"userId": "access-7531", "purposes": ["collect.behaviour", "personalise.world", "recommend.offer"]}
    assert http.post(f"{gateway}/v1/consent/grant", json=body, headers=key).is_success
    read = {"userId": "access-7531", "purpose": "personalise.world"}
    persona = http.post(f"{gateway}/v1/persona", json=read, headers=key).json()
    assert persona["decisions"][0]["is_allowed"]
    return persona


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def recorded(stack: RunningStack, process: str) -> Counter[tuple[str, str, str]]:
    """What is on record as denied: (kid, what, why)."""
    lines = map(json.loads, (stack.folder / "logs" / f"{process}.jsonl").read_text().splitlines())
    return Counter((line["kid"], line["what"], line["why"]) for line in lines if line["event"] == "access.denied")


def refuse(http: httpx.Client, door: Door, shown: Shown) -> tuple[int, str]:
    answer = http.request(door.method, door.url, json=door.body, headers=bearer(shown.key))
    assert answer.status_code in _REFUSED, (door, shown.why, answer.text)
    return answer.status_code, answer.text


class TestEveryDoor:
    async def test_no_wrong_key_opens_any_and_every_try_is_on_record(
        self, shared_stack: RunningStack, http: httpx.Client
    ) -> None:
        shown = wrong_keys(shared_stack)
        before = recorded(shared_stack, "gateway") + recorded(shared_stack, "avatar_adapter")
        tried: Counter[tuple[str, str, str]] = Counter()
        said: dict[tuple[str, str], set[tuple[int, str]]] = {}
        for door in doors(shared_stack):
            for each in shown[door.kind]:
                answer = refuse(http, door, each)
                why = "forged" if each.why == "keyless" and door.kind not in ("source", "events") else each.why
                tried[each.kid, door.what, why] += 1
                said.setdefault((door.kind, "scope" if why == "scope" else why), set()).add(answer)
        kinds = {kind for kind, _ in said}
        assert kinds == {"source", "events", "staff", "analyst", "world", "person"}
        # Whatever was wrong with a key, it is told in the same words.
        assert len(said["person", "proof"]) == 1
        for kind in kinds - {"person"}:
            assert len({*said[kind, "forged"], *said[kind, "expired"], *said[kind, "kind"]}) == 1

        def is_on_record() -> bool:
            now = recorded(shared_stack, "gateway") + recorded(shared_stack, "avatar_adapter")
            return tried <= now - before

        assert await eventually(is_on_record)

    async def test_staff_is_on_record_with_what_it_was_allowed(
        self, shared_stack: RunningStack, http: httpx.Client
    ) -> None:
        staff = shared_stack.endpoints["staff_key"]
        assert http.get(f"{shared_stack.endpoints['gateway']}/v1/books", headers=bearer(staff)).is_success
        log = shared_stack.folder / "logs" / "gateway.jsonl"
        assert await eventually(lambda: f'"kid":"{staff.split("_")[1]}","what":"getBooks"' in log.read_text())

    def test_no_key_and_no_identity_is_on_record(self, shared_stack: RunningStack) -> None:
        said = "".join(file.read_text() for file in (shared_stack.folder / "logs").glob("*.jsonl"))
        keys = [key for name, key in shared_stack.endpoints.items() if name.endswith(("_key", "_token"))]
        assert keys
        assert not [key for key in keys if key.rsplit("_", 1)[1] in said]


class TestBrands:
    """The same names in another brand: what is told there is what is told of somebody who never was."""

    @pytest.mark.parametrize("path", _BODIES)
    def test_whether_another_brand_knows_somebody_is_not_told(
        self, shared_stack: RunningStack, http: httpx.Client, elm: dict[str, str], known: dict[str, Any], path: str
    ) -> None:
        assert known
        url, key = f"{shared_stack.endpoints['gateway']}/v1/{path}", bearer(elm["app"])
        told = [
            http.post(url, json={"userId": who, **_BODIES[path]}, headers=key)
            for who in ("access-7531", "access-never-was")
        ]
        assert told[0].is_success
        assert (told[0].status_code, told[0].text) == (told[1].status_code, told[1].text)

    def test_staff_of_another_brand_finds_no_handle(
        self, shared_stack: RunningStack, http: httpx.Client, elm: dict[str, str], known: dict[str, Any]
    ) -> None:
        url = f"{shared_stack.endpoints['gateway']}/v1/consent/explain/handle"
        handle = known["view"]["handle"]
        told = [
            http.post(url, json={"handle": each, "purpose": "personalise.world"}, headers=bearer(elm["staff"]))
            for each in (handle, handle[:-1] + ("0" if handle[-1] != "0" else "1"))
        ]
        assert told[0].status_code == httpx.codes.NOT_FOUND
        assert told[0].text == told[1].text

    def test_books_of_another_brand_are_empty(
        self, shared_stack: RunningStack, http: httpx.Client, elm: dict[str, str]
    ) -> None:
        gateway, key = shared_stack.endpoints["gateway"], bearer(elm["staff"])
        assert http.get(f"{gateway}/v1/books", headers=key).json()["lines"] == []
        assert http.get(f"{gateway}/v1/facets/count", headers=key).json() == {"facets": 0}

    async def test_a_visit_is_good_in_its_own_world_alone(
        self, shared_stack: RunningStack, http: httpx.Client, elm: dict[str, str]
    ) -> None:
        url, endpoints = shared_stack.endpoints["adapter"] + "/a/v1", shared_stack.endpoints
        opening = {"op": "open", "w": endpoints["world"], "a": endpoints["avatar"], "v": "access-7531"}
        visit = http.post(url, json=opening, headers=bearer(endpoints["world_token"])).json()["s"]
        frames = [
            {"op": "ask", "k": "rec"},
            {"op": "obs", "e": "seen"},
            {"op": "act", "ref": "x", "r": "done"},
            {"op": "con", "give": ["recommend.offer"]},
            {"op": "fgt", "all": 1},
            {"op": "close"},
        ]
        for token in (endpoints["second_world_token"], elm["world"]):
            for frame in frames:
                answer = http.post(url, json={**frame, "s": visit}, headers=bearer(token))
                assert answer.json()["err"]["code"] == "VISIT_UNKNOWN"
            kid = token.split("_")[1]
            count = len(frames)
            assert await eventually(lambda k=kid, n=count: self._visits(shared_stack, k) == n)

    @staticmethod
    def _visits(stack: RunningStack, kid: str) -> int:
        return recorded(stack, "avatar_adapter")[kid, "frame of another visit", "VISIT_UNKNOWN"]


class TestPurposes:
    def test_nothing_is_read_under_a_purpose_that_was_not_granted(
        self, shared_stack: RunningStack, http: httpx.Client
    ) -> None:
        gateway, key = shared_stack.endpoints["gateway"], bearer(shared_stack.endpoints["write_key"])
        body = {"userId": "access-8642", "purposes": ["collect.behaviour"]}
        assert http.post(f"{gateway}/v1/consent/grant", json=body, headers=key).is_success
        asked = [each["id"] for each in yaml.safe_load(PACK.read_text())["purposes"] if each["default"] == "off"]
        for purpose in {*asked} - {"collect.behaviour"}:
            answer = http.post(f"{gateway}/v1/persona", json={"userId": "access-8642", "purpose": purpose}, headers=key)
            told = answer.json()
            assert answer.is_error or (not told["decisions"][0]["is_allowed"] and told["view"] is None), purpose

import hashlib
import io
import json
import zipfile

import pytest

from contracts.interaction.v1.interaction_pb2 import Kind
from contracts.profile.v1 import profile_pb2
from contracts.recommendation.v1 import recommendation_pb2
from kit.errors import RemoteError, Status

SOMEBODY = {"userId": "visitor-7"}


@pytest.fixture
async def me(gateway):
    """The headers of a person who holds a proof."""
    answer = await gateway.http.post("/v1/proofs", json=SOMEBODY, headers=bearer(gateway.keys.app))
    assert answer.status_code == 200
    return bearer(answer.json()["proof"])


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def asked(gateway, kind):
    return [each for each in gateway.services.asked if isinstance(each, kind)]


class TestProof:
    async def test_only_a_key_that_may_read_personas_gets_one(self, gateway):
        answer = await gateway.http.post("/v1/proofs", json=SOMEBODY, headers=bearer(gateway.keys.write))
        assert (answer.status_code, answer.json()["code"]) == (403, "DENIED")

    @pytest.mark.parametrize("path", ["/v1/me", "/v1/me/export"])
    async def test_without_one_nobody_learns_whether_there_is_anybody(self, gateway, me, path):
        changed = me["Authorization"][:-4] + "AAAA"
        refused = [
            await gateway.http.get(path, headers=headers)
            for headers in ({}, bearer("made-up"), {"Authorization": changed}, bearer(gateway.keys.app))
        ]
        assert {(each.status_code, each.text) for each in refused} == {
            (401, '{"code":"PROOF_INVALID","message":"this proves nothing here"}')
        }
        assert asked(gateway, profile_pb2.SeeRequest) == []

    async def test_it_speaks_for_the_same_subject_that_the_app_names(self, gateway, me):
        gateway.services.answers["See"] = profile_pb2.SeeResponse(document=b'{"inferred":[]}')
        assert (await gateway.http.get("/v1/me", headers=me)).json() == {"inferred": []}
        await gateway.http.post("/v1/persona", json=SOMEBODY, headers=bearer(gateway.keys.app))
        [seen], [read] = asked(gateway, profile_pb2.SeeRequest), asked(gateway, profile_pb2.ReadViewRequest)
        assert seen.subject == read.subject


class TestCorrect:
    async def test_what_a_person_says_goes_onto_the_stream(self, gateway, me):
        answer = await gateway.http.post("/v1/me/correct", json={"ref": "drinks", "says": "neither"}, headers=me)
        [position] = answer.json()["positions"]
        [interaction] = await gateway.interactions()
        assert (interaction.kind, interaction.topics, interaction.value) == (Kind.KIND_CORRECTED, ("drinks",), 0.5)
        assert position["sequence"] == 1

    async def test_an_identity_is_refused_by_name(self, gateway, me):
        body = {"ref": "ann@example.org", "says": "likes"}
        answer = await gateway.http.post("/v1/me/correct", json=body, headers=me)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "IDENTITY_REFUSED", "ref")
        assert "ann@" not in answer.text


class TestRemove:
    async def test_an_offer_comes_with_an_address_that_removes_it_without_a_key(self, gateway):
        offer = recommendation_pb2.Offer(item="tea-1", score=1.0)
        gateway.services.answers["Recommend"] = recommendation_pb2.RecommendResponse(offers=[offer])
        answer = await gateway.http.post("/v1/recommendations", json=SOMEBODY, headers=bearer(gateway.keys.app))
        click = answer.json()["offers"][0]["remove"]
        gateway.services.answers["Remove"] = profile_pb2.RemoveResponse(removed_at_ms=1_000)
        body = {"List-Unsubscribe": "One-Click"}
        assert (await gateway.http.post(click, data=body)).json() == {"removed_at_ms": 1_000, "undo_until_ms": 11_000}
        assert (await gateway.http.post(f"{click}/undo")).json() == {"what": "offer", "ref": "tea-1", "grounds": []}
        [removed], [restored] = (
            asked(gateway, profile_pb2.RemoveRequest),
            asked(gateway, profile_pb2.RestoreRequest),
        )
        assert removed.removal == restored.removal == profile_pb2.Removal(what="offer", ref="tea-1")
        assert restored.within_ms == 10_000
        # Mail scanners follow links: only a POST removes.
        assert (await gateway.http.get(click)).status_code == 405

    async def test_another_address_removes_what_it_rested_on_too(self, gateway):
        reasons = [
            recommendation_pb2.Reason(kind="liked_topic", ref="hot | cold drinks"),
            recommendation_pb2.Reason(kind="popular_now"),
            recommendation_pb2.Reason(kind="followed_item", ref="pot-1"),
        ]
        offers = [recommendation_pb2.Offer(item="tea-1", reasons=reasons), recommendation_pb2.Offer(item="tea-2")]
        gateway.services.answers["Recommend"] = recommendation_pb2.RecommendResponse(offers=offers)
        answer = await gateway.http.post("/v1/recommendations", json=SOMEBODY, headers=bearer(gateway.keys.app))
        first, second = answer.json()["offers"]
        assert second["remove_with_grounds"] == ""
        removal = {"what": "offer", "ref": "tea-1", "grounds": ["hot | cold drinks", "pot-1"]}
        assert (await gateway.http.post(first["remove_with_grounds"])).status_code == 200
        assert (await gateway.http.post(f"{first['remove_with_grounds']}/undo")).json() == removal
        [removed] = asked(gateway, profile_pb2.RemoveRequest)
        assert removed.removal == profile_pb2.Removal(**removal)

    async def test_a_person_names_what_an_offer_rested_on(self, gateway, me):
        removal = {"what": "offer", "ref": "tea-1", "grounds": ["drinks"]}
        assert (await gateway.http.post("/v1/me/remove", json=removal, headers=me)).status_code == 200
        [removed] = asked(gateway, profile_pb2.RemoveRequest)
        assert removed.removal == profile_pb2.Removal(**removal)
        for refused in (["a", "b", "c", "d"], [""], ["a\nb"]):
            answer = await gateway.http.post("/v1/me/remove", json={**removal, "grounds": refused}, headers=me)
            assert answer.status_code == 400
            assert answer.json()["field"].startswith("body.offer.grounds")

    async def test_a_click_opens_nothing_else(self, gateway):
        offer = recommendation_pb2.Offer(item="tea-1", score=1.0)
        gateway.services.answers["Recommend"] = recommendation_pb2.RecommendResponse(offers=[offer])
        answer = await gateway.http.post("/v1/recommendations", json=SOMEBODY, headers=bearer(gateway.keys.app))
        click = answer.json()["offers"][0]["remove"].rpartition("/")[2]
        assert (await gateway.http.get("/v1/me", headers=bearer(click))).status_code == 401

    @pytest.mark.parametrize("body", [{"what": "offer"}, {"what": "gifts", "ref": "x"}, {"what": "all"}])
    async def test_what_cannot_be_removed_is_refused(self, gateway, me, body):
        assert (await gateway.http.post("/v1/me/remove", json=body, headers=me)).status_code == 400

    async def test_a_refusal_of_the_service_crosses(self, gateway, me):
        late = RemoteError("too late", reason="UNDO_EXPIRED", status=Status.GONE, field="removal", limit="10000 ms")
        gateway.services.answers["Restore"] = late
        answer = await gateway.http.post("/v1/me/restore", json={"what": "gifts"}, headers=me)
        assert (answer.status_code, answer.json()["code"]) == (410, "UNDO_EXPIRED")


class TestRelationship:
    async def test_it_is_declared_and_taken_back_with_one_call(self, gateway, me):
        put = await gateway.http.put("/v1/me/relationship", json={"type": "fan"}, headers=me)
        deleted = await gateway.http.delete("/v1/me/relationship", headers=me)
        assert (put.json(), deleted.json()) == ({"type": "fan", "family": ""}, {"type": "", "family": ""})
        assert [each.type for each in asked(gateway, profile_pb2.DeclareRelationshipRequest)] == ["fan", ""]

    @pytest.mark.parametrize("body", [{}, {"type": ""}, {"type": "best friend"}, {"type": "x" * 65}])
    async def test_what_is_no_type_is_refused(self, gateway, me, body):
        answer = await gateway.http.put("/v1/me/relationship", json=body, headers=me)
        assert (answer.status_code, asked(gateway, profile_pb2.DeclareRelationshipRequest)) == (400, [])


class TestObject:
    async def test_to_inferences_and_to_purposes(self, gateway, me):
        body = {"inferences": ["likes"], "purposes": ["recommend.offer"]}
        assert (await gateway.http.post("/v1/me/object", json=body, headers=me)).status_code == 200
        [objected], [withdrawn] = (
            asked(gateway, profile_pb2.ObjectRequest),
            asked(gateway, profile_pb2.WithdrawRequest),
        )
        assert (list(objected.inferences), list(withdrawn.purposes)) == (["likes"], ["recommend.offer"])

    async def test_naming_no_inferences_leaves_them(self, gateway, me):
        await gateway.http.post("/v1/me/object", json={"purposes": ["recommend.offer"]}, headers=me)
        assert asked(gateway, profile_pb2.ObjectRequest) == []


class TestForget:
    async def test_withdrawing_with_and_without(self, gateway, me):
        gateway.services.answers["Erase"] = profile_pb2.EraseResponse(erasure=profile_pb2.Erasure(erasure_id="e" * 32))
        kept = await gateway.http.post("/v1/me/withdraw", json={}, headers=me)
        forgotten = await gateway.http.post("/v1/me/withdraw", json={"forget": True}, headers=me)
        assert (kept.json()["erasure"], forgotten.json()["erasure"]) == ("", "e" * 32)
        assert (await gateway.http.post("/v1/me/erase", headers=me)).json()["erasure"] == "e" * 32


class TestExport:
    async def test_the_archive_names_the_hash_of_each_file(self, gateway, me):
        part = profile_pb2.FilePart
        gateway.services.answers["Export"] = lambda request: (
            profile_pb2.ExportResponse(parts=[part(file="interactions.ndjson", content=b'{"n":2}\n')])
            if request.after
            else profile_pb2.ExportResponse(
                parts=[
                    part(file="person.json", content=b"{}"),
                    part(file="interactions.ndjson", content=b'{"n":1}\n'),
                ],
                next=b"more",
            )
        )
        answer = await gateway.http.get("/v1/me/export", headers=me)
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            manifest = json.loads(archive.read("manifest.json"))
            found = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
        assert found == {"person.json": b"{}", "interactions.ndjson": b'{"n":1}\n{"n":2}\n'}
        assert {each["name"]: (each["bytes"], each["sha256"]) for each in manifest["files"]} == {
            name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in found.items()
        }

    async def test_what_is_refused_at_once_is_refused_in_words(self, gateway, me):
        gateway.services.answers["Export"] = RemoteError(reason="UNAVAILABLE", status=Status.UNAVAILABLE)
        assert (await gateway.http.get("/v1/me/export", headers=me)).status_code == 503

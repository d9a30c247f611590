import secrets

import pytest

from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub
from contracts.recommendation.v1.recommendation_pb2_grpc import add_RecommendationServiceServicer_to_server
from kit.errors import RemoteError
from services.avatar.__main__ import now_ms, serve_avatar
from services.avatar.clients import Profiles
from services.avatar.settings import AvatarSettings
from services.consent.__main__ import serving as serving_consent
from services.consent.settings import ConsentSettings
from services.profile import handles
from services.profile.__main__ import build, open_eraser, open_stores, open_streams
from services.profile.settings import ProfileSettings
from tests.integration.avatar.conftest import Street
from tests.integration.avatar.others import Recommendation


@pytest.fixture
async def real_street(serving, database, database_url, nats_url, tmp_path):
    """The avatar service before the real profile and consent services."""
    truth = ConsentSettings(keyring_dir=tmp_path / "keyring")
    server = await serving.closing.enter_async_context(serving_consent(truth, database("consent")))
    settings = ProfileSettings(
        database_url=database_url("profile"),
        vault_url=database_url("vault"),
        nats_url=nats_url,
        keyring_dir=tmp_path / "keyring",
        consent_address=server.address,
        shared_by_least=1,
    )
    stores = await open_stores(settings, serving.closing)
    stores.keyring.ensure(handles.FAMILY)
    streams = await open_streams(settings, serving.closing)
    profiles = await serving.start(
        await build(settings, stores, streams, await open_eraser(settings, stores, streams, serving.closing))
    )
    ranking = Recommendation()
    name = "contracts.recommendation.v1.RecommendationService"
    rankings = await serving.serve(add_RecommendationServiceServicer_to_server, ranking, name)
    kept = database("avatar")
    avatars = await serving.start(serve_avatar(AvatarSettings(), kept, Profiles(profiles), rankings))
    street = Street(AvatarServiceStub(avatars), None, ranking, kept, None)
    street.clock = type("Now", (), {"ms": property(lambda _: now_ms())})()
    return street


class TestEncounter:
    async def test_from_stranger_to_acquaintance_and_back(self, real_street):
        visitor = real_street.visitor()
        first = real_street.visit(visitor)
        opened = await first.open()
        assert (opened.next.act, list(opened.grants)) == ("none", [])

        given = await first.consent(give=["personalise.world", "remember.conversation", "recommend.offer"])
        assert {record.state for record in given.records} == {"given"}
        assert (await first.ask()).action.item == "lamp"
        await first.observe("tried", "lamp")
        await first.close()

        second = real_street.visit(visitor)
        met = await second.open()
        assert [grant.kind for grant in met.grants] == ["greet"]
        assert list(met.memory.tried) == ["lamp"]
        assert met.view.handle
        assert (await second.ask(frame_id="f1")).action.item == "chair"

        taken = await second.consent(take=["*"])
        assert {record.state for record in taken.records} == {"withdrawn"}
        assert (await second.ask(frame_id="f1")).action.item == ""
        assert (await second.forget()).was_known
        blind = await real_street.visit(visitor).open()
        assert not blind.HasField("view")
        assert not blind.HasField("memory")
        assert {decision.reason for decision in blind.decisions if decision.purpose != "collect.behaviour"} == {
            "WITHDRAWN"
        }

    async def test_an_unknown_purpose_is_refused_with_its_own_reason(self, real_street):
        visiting = real_street.visit(real_street.visitor(), visit_id=secrets.token_bytes(16))
        await visiting.open()
        with pytest.raises(RemoteError) as refused:
            await visiting.consent(give=["world.domination"])
        assert refused.value.reason == "UNKNOWN_PURPOSE"

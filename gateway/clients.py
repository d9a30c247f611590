"""The services behind the REST endpoints."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contracts.avatar.v1 import avatar_pb2
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceStub
from contracts.common.v1.subject_pb2 import Subject
from contracts.consent.v1.consent_pb2_grpc import ConsentServiceStub
from contracts.profile.v1.benefits import OFFER_ANSWERED, OFFER_SHOWN, Given, Offered, requests
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceStub
from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceStub
from gateway.settings import GatewaySettings
from kit.rpc import connect
from kit.tallies import Counted, Tally

if TYPE_CHECKING:
    # The generated modules have these in their types alone.
    from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceAsyncStub
    from contracts.consent.v1.consent_pb2_grpc import ConsentServiceAsyncStub
    from contracts.profile.v1.profile_pb2_grpc import ProfileServiceAsyncStub
    from contracts.recommendation.v1.recommendation_pb2_grpc import RecommendationServiceAsyncStub

_MOST_ITEMS = 200
_OFFER = "recommend.offer"


@dataclass(frozen=True, slots=True)
class Services:
    """One stub each."""

    profile: "ProfileServiceAsyncStub"
    recommendation: "RecommendationServiceAsyncStub"
    avatar: "AvatarServiceAsyncStub"
    #: None where the gateway was not told where it is: keys and floors are then answered as UNAVAILABLE.
    consent: "ConsentServiceAsyncStub | None" = None
    benefits: Tally[Given] = field(default_factory=lambda: Tally("benefits"))

    def showed(self, subject: Subject, offers: Iterable[Offered], at_ms: int) -> None:
        """Count offers that somebody was shown, and tell which."""
        for each in offers:
            self.benefits.add(Given(subject.brand, subject.audience, subject.eid, _OFFER, OFFER_SHOWN, "", each), at_ms)

    def answered(self, subject: Subject, offered: Offered, at_ms: int) -> None:
        """Tell what somebody said to an offer."""
        given = Given(subject.brand, subject.audience, subject.eid, _OFFER, OFFER_ANSWERED, "", offered)
        self.benefits.add(given, at_ms)

    async def report(self, every_s: float) -> None:
        """Report what was given to people, again and again until cancelled."""
        await self.benefits.run(self._report, every_s)

    async def _report(self, counted: Mapping[Given, Counted]) -> None:
        for request in requests(counted):
            await self.profile.NoteBenefits(request)

    async def items(self, brand: str, ids: list[str]) -> dict[str, avatar_pb2.Item]:
        """Return what the catalogue knows of at most 200 items."""
        if not ids:
            return {}
        answer = await self.avatar.ListItems(avatar_pb2.ListItemsRequest(brand=brand, ids=ids[:_MOST_ITEMS]))
        return {item.item: item for item in answer.items}


@asynccontextmanager
async def open_services(settings: GatewaySettings) -> AsyncIterator[Services]:
    """Connect lazily: a service that is away makes its own endpoints answer 503, and no others."""
    async with AsyncExitStack() as channels:
        profile = await channels.enter_async_context(connect(settings.profile_address, settings.tls))
        recommendation = await channels.enter_async_context(connect(settings.recommendation_address, settings.tls))
        avatar = await channels.enter_async_context(connect(settings.avatar_address, settings.tls))
        consent: ConsentServiceAsyncStub | None = None
        if settings.consent_address:
            consent = ConsentServiceStub(
                await channels.enter_async_context(connect(settings.consent_address, settings.tls))
            )
        yield Services(
            ProfileServiceStub(profile), RecommendationServiceStub(recommendation), AvatarServiceStub(avatar), consent
        )

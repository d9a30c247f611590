"""The contract's RPCs about names and links: requests are converted, a use case answers."""

from dataclasses import dataclass

from grpc import ServicerContext

from contracts.profile.v1 import profile_pb2
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceServicer
from services.profile import convert
from services.profile.erasing import Eraser
from services.profile.use_cases.link import Linking
from services.profile.use_cases.name import Naming

_MOST_LISTED = 5_000


@dataclass(frozen=True, slots=True)
class Handling:
    """How audiences name personas, and which of them are one across audiences."""

    naming: Naming
    linking: Linking


class HandleRpc(ProfileServiceServicer):
    """A part of ProfileRpc, which sets these."""

    _handling: Handling
    _eraser: Eraser

    async def TakeNewFace(
        self, request: profile_pb2.TakeNewFaceRequest, context: ServicerContext
    ) -> profile_pb2.TakeNewFaceResponse:
        subject = convert.subject_from_proto(request.subject)
        erasure = await self._eraser.shed(subject, convert.method_from_proto(request.statement))
        return profile_pb2.TakeNewFaceResponse(erasure=convert.erasure_to_proto(erasure, self._eraser.signers))

    async def FindHandle(
        self, request: profile_pb2.FindHandleRequest, context: ServicerContext
    ) -> profile_pb2.FindHandleResponse:
        brand, audience = convert.brand_from_proto(request.brand), convert.audience_from_proto(request.audience)
        found = await self._handling.naming.find(brand, audience, convert.handle_from_proto(request.handle))
        return profile_pb2.FindHandleResponse(handle=found.handle, until_ms=found.until_ms)

    async def ListReplacedHandles(
        self, request: profile_pb2.ListReplacedHandlesRequest, context: ServicerContext
    ) -> profile_pb2.ListReplacedHandlesResponse:
        brand, audience = convert.brand_from_proto(request.brand), convert.audience_from_proto(request.audience)
        count = convert.bounded_from_proto(request.count, "count", least=1, most=_MOST_LISTED)
        pairs, after = await self._handling.naming.replaced(brand, audience, count, request.after)
        return profile_pb2.ListReplacedHandlesResponse(replaced=map(convert.pair_to_proto, pairs), next=after)

    async def IssueLinkCode(
        self, request: profile_pb2.IssueLinkCodeRequest, context: ServicerContext
    ) -> profile_pb2.IssueLinkCodeResponse:
        code, expires_at_ms = await self._handling.linking.issue(convert.subject_from_proto(request.subject))
        return profile_pb2.IssueLinkCodeResponse(code=code, expires_at_ms=expires_at_ms)

    async def RedeemLinkCode(
        self, request: profile_pb2.RedeemLinkCodeRequest, context: ServicerContext
    ) -> profile_pb2.RedeemLinkCodeResponse:
        subject = convert.subject_from_proto(request.subject)
        statement = convert.statement_from_proto(request.statement)
        redeemed = await self._handling.linking.redeem(subject, request.code, statement)
        return profile_pb2.RedeemLinkCodeResponse(
            issued_by=redeemed.issued_by,
            redeemed_by=redeemed.redeemed_by,
            records=map(convert.record_to_proto, redeemed.records),
        )

    async def ListLinks(
        self, request: profile_pb2.ListLinksRequest, context: ServicerContext
    ) -> profile_pb2.ListLinksResponse:
        audiences = await self._handling.linking.audiences(convert.subject_from_proto(request.subject))
        return profile_pb2.ListLinksResponse(audiences=audiences)

    async def Unlink(self, request: profile_pb2.UnlinkRequest, context: ServicerContext) -> profile_pb2.UnlinkResponse:
        subject = convert.subject_from_proto(request.subject)
        audience = convert.audience_from_proto(request.audience) if request.audience else ""
        statement = convert.statement_from_proto(request.statement)
        audiences = await self._handling.linking.unlink(subject, audience, statement)
        return profile_pb2.UnlinkResponse(audiences=audiences)

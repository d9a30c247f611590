# ruff: noqa: N802 - methods have the names of the contract
"""An avatar service that answers over real gRPC from what it has noted, so that tests ask what reached it."""

import asyncio
from dataclasses import dataclass, field

import grpc

from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceServicer
from contracts.common.v1.subject_pb2 import PurposeDecision
from contracts.consent.v1.consent_pb2 import ConsentRecord
from contracts.profile.v1 import profile_pb2
from contracts.profile.v1.profile_pb2_grpc import ProfileServiceServicer
from kit.errors import Status, TypedError, UnavailableError

PURPOSES = ("personalise.world", "remember.conversation", "recommend.offer", "collect.behaviour")


class UnknownAvatarError(TypedError):
    reason = "UNKNOWN_AVATAR"
    status = Status.NOT_FOUND


@dataclass
class Core(AvatarServiceServicer):
    """Knows one item, never repeats a frame, and lets the avatar greet whoever is met."""

    heard: list[object] = field(default_factory=list)
    seen_frames: set[tuple[bytes, str]] = field(default_factory=set)
    line: str = "The brass lantern stands in the window."
    #: What doors may keep.
    again: pb.Again | None = None
    #: Holds openings back until it is set.
    takes_openings: asyncio.Event = field(default_factory=asyncio.Event)
    #: Openings to refuse before one is taken.
    refusals: int = 0

    def of(self, kind):
        return [message for message in self.heard if isinstance(message, kind)]

    def _repeats(self, visit_id: bytes, frame_id: str) -> bool:
        if not frame_id or (visit_id, frame_id) not in self.seen_frames:
            self.seen_frames.add((visit_id, frame_id))
            return False
        return True

    async def Open(self, request: pb.OpenRequest, context: grpc.aio.ServicerContext) -> pb.OpenResponse:
        self.heard.append(request)
        if request.visit.avatar != "ada":
            raise UnknownAvatarError("no such avatar", field="avatar")
        return pb.OpenResponse(
            is_repeat=self._repeats(request.visit.visit_id, "open"),
            decisions=[PurposeDecision(purpose=purpose, reason="NEVER_ASKED") for purpose in PURPOSES],
            grants=[pb.SpeakGrant(kind="greet", expires_at_ms=request.visit.expires_at_ms)],
            next=pb.Action(act="say", say="Good day."),
            ai_line="Ada is an AI guide of Oak.",
            again=self.again,
        )

    async def OpenMany(self, request, context):
        await self.takes_openings.wait()
        if self.refusals:
            self.refusals -= 1
            raise UnavailableError(retry_after_s=1)
        self.heard += request.openings
        return pb.OpenManyResponse()

    async def Observe(self, request, context):
        self.heard.append(request)
        return pb.ObserveResponse(is_repeat=self._repeats(request.visit.visit_id, request.frame_id))

    async def Ask(self, request, context):
        self.heard.append(request)
        action = pb.Action(
            act="show", ref="step-1", item="lantern", say=self.line, why=["You asked for light."], quiet_s=60
        )
        return pb.AskResponse(action=action, is_repeat=self._repeats(request.visit.visit_id, request.frame_id))

    async def Act(self, request, context):
        self.heard.append(request)
        is_repeat = self._repeats(request.visit.visit_id, request.frame_id)
        return pb.ActResponse(is_repeat=is_repeat, quiet_s=120, item="lantern")

    async def ChangeConsent(self, request, context):
        self.heard.append(request)
        given = [ConsentRecord(purpose=purpose, state="given") for purpose in request.give]
        return pb.ChangeConsentResponse(records=given)

    async def Forget(self, request, context):
        self.heard.append(request)
        return pb.ForgetResponse(was_known=True, receipt="ab" * 16)

    async def Close(self, request, context):
        self.heard.append(request)
        return pb.CloseResponse(is_repeat=self._repeats(request.visit.visit_id, "close"))

    async def ListItems(self, request, context):
        known = {"lantern": pb.Item(item="lantern", title="Brass lantern", topics=["light", "brass"])}
        return pb.ListItemsResponse(items=[known[item] for item in request.ids if item in known])


@dataclass
class Profiles(ProfileServiceServicer):
    """Keeps what people said for themselves."""

    heard: list[object] = field(default_factory=list)
    document: bytes = b'{"inferred":[{"trait":"like","value":"brass"}],"readers":[],"benefits":[]}'

    async def See(self, request, context):
        self.heard.append(request)
        return profile_pb2.SeeResponse(document=self.document)

    async def Object(self, request, context):
        self.heard.append(request)
        return profile_pb2.ObjectResponse()

    async def DeclareRelationship(self, request, context):
        self.heard.append(request)
        family = "affection" if request.type else ""
        return profile_pb2.DeclareRelationshipResponse(type=request.type, family=family)

    async def Remove(self, request, context):
        self.heard.append(request)
        return profile_pb2.RemoveResponse(removed_at_ms=request.statement.stated_at_ms)

    async def Restore(self, request, context):
        self.heard.append(request)
        return profile_pb2.RestoreResponse()

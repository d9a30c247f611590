"""A person who speaks through the contract."""

import io
import json

from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2 as contract
from services.profile.domain import COLLECT, OFFER
from tests.integration.profile.door import BRAND, SHOP, eid, subject_message

PERSONALISE, REMEMBER = "personalise.world", "remember.conversation"
WORLD = "world:mall"


# What is under test is what comes of it, not how long a busy machine takes.
PATIENT_S = 20


class Rights:
    """A person who speaks through the contract."""

    def __init__(self, profile, room, clock):
        self.profile, self.room, self.clock = profile, room, clock

    def said(self):
        self.clock.ms += 1
        return Statement(stated_at_ms=self.clock.ms, method="rest")

    async def grant(self, name="ada", *purposes, audience=SHOP):
        asked = purposes or (COLLECT, PERSONALISE, OFFER, REMEMBER)
        message = subject_message(name, audience)
        await self.profile.Grant(
            contract.GrantRequest(subject=message, purposes=asked, statement=self.said()), timeout=PATIENT_S
        )

    async def remove(self, what="offer", ref="tea", name="ada", audience=SHOP, grounds=()):
        removal = contract.Removal(what=what, ref=ref if what == "offer" else "", grounds=grounds)
        request = contract.RemoveRequest(
            subject=subject_message(name, audience), removal=removal, statement=self.said()
        )
        return (await self.profile.Remove(request, timeout=PATIENT_S)).removed_at_ms

    async def restore(self, what="offer", ref="tea", name="ada", within_ms=10_000):
        removal = contract.Removal(what=what, ref=ref if what == "offer" else "")
        await self.profile.Restore(
            contract.RestoreRequest(
                subject=subject_message(name), removal=removal, within_ms=within_ms, statement=self.said()
            ),
            timeout=PATIENT_S,
        )

    async def offered(self, item, name="ada", audience=SHOP, **facts):
        """Report an offer, or what was said to one."""
        what = "offer_answered" if facts.get("answer") else "offer_shown"
        told = contract.Offered(item=item, channel="app", **facts)
        benefit = contract.Benefit(
            audience=audience, eid=eid(name), purpose=OFFER, what=what, count=1, last_at_ms=self.clock(), offered=told
        )
        await self.profile.NoteBenefits(contract.NoteBenefitsRequest(brand=BRAND, benefits=[benefit]))

    async def object(self, *inferences, name="ada"):
        await self.profile.Object(
            contract.ObjectRequest(subject=subject_message(name), inferences=inferences, statement=self.said()),
            timeout=PATIENT_S,
        )

    async def declare(self, type_id, name="ada"):
        request = contract.DeclareRelationshipRequest(
            subject=subject_message(name), type=type_id, statement=self.said()
        )
        return await self.profile.DeclareRelationship(request, timeout=PATIENT_S)

    async def signals(self, name="ada", audience=SHOP):
        return await self.profile.ReadSignals(
            contract.ReadSignalsRequest(subject=subject_message(name, audience)), timeout=PATIENT_S
        )

    async def persona(self, name="ada"):
        """What an avatar reads, warm when it was read before."""
        request = contract.ReadPersonaRequest(
            subject=subject_message(name),
            purpose=PERSONALISE,
            also_decide=[REMEMBER, OFFER, COLLECT],
            with_signals=True,
        )
        return await self.profile.ReadPersona(request, timeout=PATIENT_S)

    async def vouched(self):
        """What an avatar reads, once this process has a lease and doors may keep it."""
        while not (answer := await self.persona()).fence_name:
            pass
        return answer

    async def view(self, name="ada"):
        return (
            await self.profile.ReadView(contract.ReadViewRequest(subject=subject_message(name), purpose=PERSONALISE))
        ).view

    async def see(self, name="ada", audience=SHOP):
        answer = await self.profile.See(contract.SeeRequest(subject=subject_message(name, audience)), timeout=PATIENT_S)
        return json.loads(answer.document)

    async def archive(self, name="ada"):
        """The files of an archive, and how many pages it took."""
        files, after, pages = {}, b"", 0
        while pages == 0 or after:
            request = contract.ExportRequest(subject=subject_message(name), after=after)
            page = await self.profile.Export(request, timeout=PATIENT_S)
            for part in page.parts:
                files.setdefault(part.file, io.BytesIO()).write(part.content)
            after, pages = page.next, pages + 1
        return {name: content.getvalue() for name, content in files.items()}, pages

    async def did(self, *events):
        await self.room.fold(self.room.door.message(*events))

    def event(self, *arguments, **facts):
        return self.room.door.event(*arguments, **facts)

    async def link(self, one, other):
        issuing = contract.IssueLinkCodeRequest(subject=subject_message(*one))
        request = contract.RedeemLinkCodeRequest(
            subject=subject_message(*other),
            code=(await self.profile.IssueLinkCode(issuing)).code,
            statement=Statement(method="rest"),
        )
        await self.profile.RedeemLinkCode(request, timeout=PATIENT_S)

    async def unlink(self, name, audience):
        request = contract.UnlinkRequest(subject=subject_message(name, audience), statement=Statement(method="rest"))
        await self.profile.Unlink(request, timeout=PATIENT_S)

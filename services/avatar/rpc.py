"""The contract's RPCs: consent is asked first; no transaction waits for another service."""

import secrets
from dataclasses import replace

from grpc import ServicerContext

from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.avatar.v1.avatar_pb2_grpc import AvatarServiceServicer
from contracts.profile.v1.benefits import (
    MEMORY,
    MEMORY_USED,
    OFFER_ANSWERED,
    OFFER_SHOWN,
    OFFER_TAKEN,
    QUESTION_ANSWERED,
    VIEW,
    Offered,
)
from kit.db import Database
from kit.errors import UnavailableError
from kit.keyring import KEY_BYTES
from kit.sealing import UnsealableError
from services.avatar import convert, encounter, packing, statements, use_cases
from services.avatar.clients import Profiles, Rankings
from services.avatar.domain import (
    COLLECT,
    OFFER,
    PERSONALISE,
    REMEMBER,
    Acquaintance,
    Act,
    Action,
    Advice,
    Asked,
    Event,
    Frame,
    Outcome,
    Topic,
    Visit,
)
from services.avatar.remembering import Memory
from services.avatar.use_cases import Answer, Noted, Surroundings

_EVERYTHING = "*"
# As worlds are called in terms of offers.
_CHANNEL = "world"
# What answering people rests on.
_ANSWERING = "core.service"
#: What became of a decision, by what a world reports of a step, or of an item that it showed.
_BECAME = {
    Outcome.DONE: "accepted",
    Outcome.REFUSED: "dismissed",
    Outcome.IGNORED: "ignored",
    Outcome.STOPPED: "dismissed",
    Event.DISMISSED: "dismissed",
    Event.REMOVED: "removed",
    Event.COMPLAINED: "complained",
}
_TOLD = (PERSONALISE, REMEMBER, OFFER, COLLECT)


class AvatarRpc(AvatarServiceServicer):
    """See avatar.proto."""

    def __init__(self, database: Database, around: Surroundings, profiles: Profiles, rankings: Rankings) -> None:
        self._database = database
        self._around = around
        self._profiles = profiles
        self._rankings = rankings
        # Of this process alone: what another one sealed is asked for again.
        self._arrivals_key = secrets.token_bytes(KEY_BYTES)

    async def Open(self, request: pb.OpenRequest, context: ServicerContext) -> pb.OpenResponse:
        visit = convert.visit(request.visit, self._around.now_ms())
        language = convert.language(request)
        acquaintance, view = await self._profiles.read(visit.subject)
        opened = await use_cases.open_encounter(self._database, self._around, visit, language, acquaintance)
        if opened.memory is not None and not opened.is_repeat:
            self._gave(visit, REMEMBER, MEMORY_USED)
        response = convert.to_opened(opened, [acquaintance.decision(purpose) for purpose in _TOLD])
        if view is not None:
            response.view.CopyFrom(view)
        if acquaintance.vouched is not None and not opened.is_repeat:
            arrival = replace(opened.arrival, uses=_uses(acquaintance, opened.memory))
            sealed = packing.seal_arrival(arrival, self._arrivals_key, visit)
            response.again.CopyFrom(convert.to_again(opened, acquaintance.vouched, sealed))
        return response

    async def OpenMany(self, request: pb.OpenManyRequest, context: ServicerContext) -> pb.OpenManyResponse:
        openings, unread = [], []
        for message in convert.openings(request):
            visit, ref, opened_at_ms = convert.opening(message, self._around.now_ms())
            try:
                arrival = packing.open_arrival(message.opening, self._arrivals_key, visit)
            except UnsealableError:
                unread.append((visit, message.language))
            else:
                openings.append(use_cases.Opening(visit, arrival, ref, opened_at_ms))
        for visit, language in unread:
            acquaintance = await self._profiles.know(visit.subject)
            await use_cases.open_encounter(self._database, self._around, visit, language, acquaintance)
        noted = await use_cases.note_openings(self._database, self._around, openings) if openings else []
        for opening in noted:
            # The profile service was not asked: what it would have counted is reported to it.
            for use in opening.arrival.uses:
                self._profiles.gave(opening.visit.subject, use, opening.opened_at_ms)
        return pb.OpenManyResponse(repeats=len({each.visit.id for each in openings}) - len(noted))

    async def Observe(self, request: pb.ObserveRequest, context: ServicerContext) -> pb.ObserveResponse:
        frame = convert.frame(request.visit, request.frame_id, self._around.now_ms())
        event, ref = convert.happening(request)
        acquaintance = await self._profiles.know(frame.visit.subject)
        async with self._database.transaction() as connection:
            noted = await use_cases.note(
                connection, self._around, frame, lambda now, at: encounter.observe(now, event, ref, at), acquaintance
            )
        await self._became(frame, noted, ref, event)
        return convert.to_observed(noted)

    async def Act(self, request: pb.ActRequest, context: ServicerContext) -> pb.ActResponse:
        frame = convert.frame(request.visit, request.frame_id, self._around.now_ms())
        ref, outcome = convert.outcome(request)
        acquaintance = await self._profiles.know(frame.visit.subject)
        async with self._database.transaction() as connection:
            noted = await use_cases.note(
                connection, self._around, frame, lambda now, at: encounter.report(now, ref, outcome, at), acquaintance
            )
        if outcome is Outcome.DONE and noted.item and not noted.is_repeat:
            self._gave(frame.visit, OFFER, OFFER_TAKEN)
        await self._became(frame, noted, ref, outcome)
        return convert.to_acted(noted)

    async def Ask(self, request: pb.AskRequest, context: ServicerContext) -> pb.AskResponse:
        frame = convert.frame(request.visit, request.frame_id, self._around.now_ms())
        asked = convert.asked(request)
        answer = await (self._suggest(frame, asked) if asked.topic is Topic.REC else self._explain(frame, asked))
        if not answer.is_repeat and answer.action.act is Act.SHOW:
            self._gave(frame.visit, OFFER, OFFER_SHOWN, _shown(answer.action))
        elif not answer.is_repeat and answer.action.act is Act.SAY:
            self._gave(frame.visit, _ANSWERING, QUESTION_ANSWERED)
        return pb.AskResponse(action=convert.to_action(answer.action), is_repeat=answer.is_repeat)

    async def _became(self, frame: Frame, noted: Noted, ref: str, what: Outcome | Event) -> None:
        """Say what became of an offer, and of a decision behind it.

        Where nobody hears of a decision the frame fails, and says it when it comes again.
        """
        step = noted.encounter.step_behind(ref)
        if step is None or what not in _BECAME:
            return
        if step.item and not noted.is_repeat:
            self._gave(frame.visit, OFFER, OFFER_ANSWERED, Offered(step.item, channel=_CHANNEL, answer=_BECAME[what]))
        if step.decision:
            await self._rankings.tell(frame.visit.subject, step.decision, _BECAME[what])

    def _gave(self, visit: Visit, purpose: str, what: str, offered: Offered | None = None) -> None:
        self._profiles.gave(visit.subject, (purpose, what, ""), self._around.now_ms(), offered)

    async def _explain(self, frame: Frame, asked: Asked) -> Answer:
        try:
            acquaintance = await self._profiles.know(frame.visit.subject)
        except UnavailableError:
            # An avatar that knows nobody still knows its shop.
            acquaintance = None
        return await self._answer(frame, asked, Advice(acquaintance))

    async def _suggest(self, frame: Frame, asked: Asked) -> Answer:
        try:
            acquaintance, signals = await self._profiles.consult(frame.visit.subject)
        except UnavailableError:
            return await self._answer(frame, asked, Advice(None))
        persona = acquaintance.persona if acquaintance.may_remember else None
        standing = await statements.look(self._database, frame, persona)
        if standing is None:
            return await self._answer(frame, asked, Advice(acquaintance))
        exclude = use_cases.excluded(self._around, frame, asked, acquaintance, standing)
        offers = None
        if exclude is not None:
            brand, is_asked = frame.visit.subject.brand, asked.is_visitor_asking
            offers = await self._rankings.offers(brand, signals, exclude, is_visitor_asking=is_asked)
        advice = Advice(acquaintance, offers)
        at_once = await use_cases.suggest_at_once(self._database, self._around, (frame, asked), advice, standing)
        return at_once or await self._answer(frame, asked, advice)

    async def _answer(self, frame: Frame, asked: Asked, advice: Advice) -> Answer:
        async with self._database.transaction() as connection:
            return await use_cases.ask(connection, self._around, frame, asked, advice)

    async def ChangeConsent(
        self, request: pb.ChangeConsentRequest, context: ServicerContext
    ) -> pb.ChangeConsentResponse:
        visit = convert.visit(request.visit, self._around.now_ms())
        async with self._database.reading() as connection:
            await use_cases.admit(connection, self._around, visit)
        response = pb.ChangeConsentResponse()
        if request.give:
            response.records.extend(await self._profiles.grant(visit.subject, request.give, request.statement))
            acquaintance = await self._profiles.know(visit.subject)
            async with self._database.transaction() as transaction:
                await use_cases.name_encounter(transaction, visit, acquaintance)
        if request.take:
            # Given and taken in one breath is taken.
            taken = [] if _EVERYTHING in request.take else request.take
            response.records.extend(await self._profiles.withdraw(visit.subject, taken, request.statement))
        return response

    async def Forget(self, request: pb.ForgetRequest, context: ServicerContext) -> pb.ForgetResponse:
        frame = convert.frame(request.visit, request.frame_id, self._around.now_ms())
        acquaintance = await self._profiles.know(frame.visit.subject)
        async with self._database.transaction() as connection:
            forgotten = await use_cases.forget(connection, self._around, frame, acquaintance)
        receipt = forgotten.receipt
        if request.everything:
            # Last, since it ends the visit: a frame that comes again after that finds the visit gone.
            receipt = await self._profiles.erase(frame.visit.subject)
        elif request.new_face:
            receipt = await self._profiles.shed(frame.visit.subject)
        return pb.ForgetResponse(is_repeat=forgotten.is_repeat, was_known=forgotten.was_known, receipt=receipt)

    async def ErasePersonas(
        self, request: pb.ErasePersonasRequest, context: ServicerContext
    ) -> pb.ErasePersonasResponse:
        personas = convert.erased(request)
        async with self._database.transaction() as connection:
            memories, encounters = await use_cases.erase(connection, personas)
        return pb.ErasePersonasResponse(memories=memories, encounters=encounters)

    async def ReadMemories(self, request: pb.ReadMemoriesRequest, context: ServicerContext) -> pb.ReadMemoriesResponse:
        keyed = convert.keyed(request)
        async with self._database.reading() as connection:
            found = await use_cases.memories(connection, request.audience, keyed)
        told = [pb.AvatarMemory(avatar=avatar, memory=convert.to_memory(memory)) for avatar, memory in found]
        return pb.ReadMemoriesResponse(memories=told)

    async def Close(self, request: pb.CloseRequest, context: ServicerContext) -> pb.CloseResponse:
        visit = convert.visit(request.visit, self._around.now_ms())
        acquaintance = await self._profiles.know(visit.subject)
        async with self._database.transaction() as connection:
            return pb.CloseResponse(is_repeat=await use_cases.close(connection, self._around, visit, acquaintance))

    async def PutItems(self, request: pb.PutItemsRequest, context: ServicerContext) -> pb.PutItemsResponse:
        brand = convert.brand(request.brand)
        items = convert.new_items(request)
        async with self._database.transaction() as connection:
            return pb.PutItemsResponse(items=await use_cases.put_items(connection, brand, items))

    async def ListItems(self, request: pb.ListItemsRequest, context: ServicerContext) -> pb.ListItemsResponse:
        brand = convert.brand(request.brand)
        ids = convert.listed(request)
        async with self._database.reading() as connection:
            items = await use_cases.list_items(connection, brand, ids)
        return pb.ListItemsResponse(items=map(convert.to_item, items))


def _shown(action: Action) -> Offered:
    return Offered(action.item, tuple((each.kind, each.ref) for each in action.reasons), _CHANNEL)


def _uses(acquaintance: Acquaintance, memory: Memory | None) -> tuple[tuple[str, str, str], ...]:
    """Return what an opening was made from, as it is told of each one that is given again."""
    view = (PERSONALISE, VIEW) if acquaintance.persona is not None and acquaintance.allows(PERSONALISE) else None
    remembered = (REMEMBER, MEMORY) if acquaintance.memory_key else None
    read = [(*each, acquaintance.decision(each[0]).record_id) for each in (view, remembered) if each is not None]
    return (*read, *([] if memory is None else [(REMEMBER, MEMORY_USED, "")]))

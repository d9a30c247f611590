"""REST for staff: what was set aside, the rules that mend it, and its replay. Nothing here says whom an event is of."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request

from contracts.profile.v1 import profile_pb2
from gateway import accounts, convert
from gateway.mending import mending_rule
from gateway.rest import KEYS, REFUSALS, Door, Staff
from gateway.translate import named_for
from gateway.translators import Translators

# Thousands of events are opened, mended and sealed.
_REPLAY_S = 20.0
_router = APIRouter(prefix="/quarantine", tags=["operation"], responses=REFUSALS, dependencies=KEYS)


def add_quarantine(app: FastAPI, translators: Translators) -> None:
    """Add the endpoints; `translators` say which events the rules of a source may name."""
    app.state.translators = translators
    app.include_router(_router, prefix="/v1")


@_router.get("", operation_id="listQuarantine")
async def list_quarantine(
    door: Door, staff: Staff, asked: Annotated[accounts.QuarantineQuery, Query()]
) -> accounts.QuarantineAnswer:
    """List what was set aside, newest first, with counts by source, reason, field and unknown name."""
    request = profile_pb2.ListQuarantineRequest(
        brand=staff.brand,
        source=asked.source,
        reason=asked.reason,
        count=asked.limit,
        after=bytes.fromhex(asked.after),
    )
    return convert.quarantine_from_proto(await door.services.profile.ListQuarantine(request))


@_router.get("/rules", operation_id="listMendingRules")
async def list_rules(door: Door, staff: Staff) -> accounts.RulesAnswer:
    """List the rules; event names are told by their keyed hash, as in the quarantine."""
    answer = await door.services.profile.ListMendingRules(profile_pb2.ListMendingRulesRequest(brand=staff.brand))
    return convert.rules_from_proto(answer)


@_router.post("/rules", operation_id="putMendingRule")
async def put_rule(request: Request, body: accounts.RuleBody, door: Door, staff: Staff) -> accounts.RuleAnswer:
    """Say how events of one name and one reason are to be read. It mends what was set aside, once it is replayed."""
    translators: Translators = request.app.state.translators
    rule = mending_rule(translators.vocabulary_of(body.source), body)
    own_ids = translators.own_ids(body.source)
    # The name was hashed under the key of its day.
    names = [keys.event(named_for(body.reason, body.event)) for keys in door.edge_keys.every(body.source)]
    rules = [convert.rule_to_proto(body, name, rule, own_ids) for name in names]
    answer = await door.services.profile.PutMendingRule(
        profile_pb2.PutMendingRuleRequest(brand=staff.brand, rules=rules)
    )
    return accounts.RuleAnswer(named=names[0].hex(), can_replay=answer.can_replay)


@_router.post("/replay", operation_id="replayQuarantine")
async def replay(body: accounts.ReplayBody, door: Door, staff: Staff) -> accounts.ReplayAnswer:
    """Send what the rules mend through the stream once more: today's consent decides, and nothing counts twice."""
    request = profile_pb2.ReplayQuarantineRequest(
        brand=staff.brand, source=body.source, count=body.limit, after=bytes.fromhex(body.after)
    )
    answer = await door.services.profile.ReplayQuarantine(request, timeout=_REPLAY_S)
    return accounts.ReplayAnswer(
        replayed=answer.replayed,
        unfit=answer.unfit,
        refused=answer.refused,
        unreadable=answer.unreadable,
        next=answer.next.hex(),
    )

"""REST bodies to contract messages and back."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from contracts.avatar.v1 import avatar_pb2
from contracts.common.v1 import subject_pb2
from contracts.consent.v1 import consent_pb2
from contracts.profile.v1 import profile_pb2
from contracts.profile.v1.benefits import Offered
from contracts.recommendation.v1 import recommendation_pb2
from gateway import accounts, bodies
from gateway.domain import POWER_CUT
from gateway.receipts import Receipt
from gateway.vocabulary import Rule, spelled

#: How a statement was made when it comes over REST.
_METHOD = "rest"
_PENDING = "pending"
_ITEM_REASONS = frozenset({"because_of_item", "followed_item"})


def statement_to_proto(statement: bodies.Statement, now_ms: int, *, has_gpc: bool) -> consent_pb2.Statement:
    stated_at_ms = now_ms if statement.stated_at_ms is None else min(statement.stated_at_ms, now_ms)
    return consent_pb2.Statement(
        stated_at_ms=stated_at_ms,
        method=_METHOD,
        notice_version=statement.notice_version,
        language=statement.language,
        has_gpc=has_gpc,
        named_brand=statement.brand if isinstance(statement, bodies.GrantBody) else "",
    )


def records_from_proto(records: Iterable[consent_pb2.ConsentRecord]) -> list[bodies.ConsentRecord]:
    return [
        bodies.ConsentRecord(
            record_id=record.record_id,
            purpose=record.purpose,
            purpose_version=record.purpose_version,
            state=record.state,
            sequence=record.sequence,
            stated_at_ms=record.stated_at_ms,
            expires_at_ms=record.expires_at_ms,
            method=record.method,
            conflicts_with=record.conflicts_with,
        )
        for record in records
    ]


def explained_from_proto(answer: profile_pb2.ExplainConsentResponse) -> bodies.ExplainAnswer:
    told = answer.explanation
    return bodies.ExplainAnswer(
        audience=answer.audience,
        decision=decision_from_proto(told.decision),
        version=told.version,
        floor=told.floor,
        records=records_from_proto(told.records),
        document=json.loads(told.document) if told.document else {},
    )


def decision_from_proto(decision: subject_pb2.PurposeDecision) -> bodies.Decision:
    return bodies.Decision(
        purpose=decision.purpose,
        is_allowed=decision.is_allowed,
        reason=decision.reason,
        sequence=decision.sequence,
        record_id=decision.record_id,
    )


def persona_from_proto(answer: profile_pb2.ReadViewResponse) -> bodies.PersonaAnswer:
    return bodies.PersonaAnswer(
        view=_view_from_proto(answer.view) if answer.HasField("view") else None,
        decisions=[decision_from_proto(decision) for decision in answer.decisions],
        behind=[
            bodies.Lag(
                partition=lag.partition,
                durability_class=lag.durability_class or POWER_CUT,
                messages=lag.messages,
                complete_until_ms=lag.complete_until_ms,
            )
            for lag in answer.behind
        ],
    )


def _view_from_proto(view: profile_pb2.View) -> bodies.View:
    return bodies.View(
        handle=view.handle,
        likes=list(view.likes),
        dislikes=list(view.dislikes),
        wishes=[bodies.Wish(ref=wish.ref, evidence=list(wish.evidence)) for wish in view.wishes],
        recency_periods=view.recency_periods,
        kinds={kind.kind: kind.at_least for kind in view.kinds},
        channels=list(view.channels),
        day_part=view.day_part,
        withheld=list(view.withheld),
        relationship=view.relationship,
    )


def offered_from_proto(answer: recommendation_pb2.RecommendResponse, channel: str) -> Iterator[Offered]:
    """Yield what is shown, for its person to read; a decision is behind the first."""
    for place, offer in enumerate(answer.offers):
        yield Offered(offer.item, grounds_from_proto(offer.reasons), channel, b"" if place else answer.decision_id)


def grounds_from_proto(reasons: Iterable[recommendation_pb2.Reason]) -> tuple[tuple[str, str], ...]:
    """Return the kind and ref of each."""
    return tuple((reason.kind, reason.ref) for reason in reasons)


def items_named(answer: recommendation_pb2.RecommendResponse) -> list[str]:
    """Return the items whose titles an answer needs: those offered, then those its reasons name."""
    named = [offer.item for offer in answer.offers]
    named += [ref for offer in answer.offers for ref in items_in(offer.reasons)]
    return list(dict.fromkeys(named))


def items_in(reasons: Iterable[recommendation_pb2.Reason]) -> list[str]:
    """Return the items that reasons name."""
    return [reason.ref for reason in reasons if reason.kind in _ITEM_REASONS]


def reasons_from_proto(
    reasons: Iterable[recommendation_pb2.Reason], catalogue: Mapping[str, avatar_pb2.Item]
) -> list[bodies.Reason]:
    unknown = avatar_pb2.Item()
    return [
        bodies.Reason(
            kind=reason.kind, ref=reason.ref, title=catalogue.get(reason.ref, unknown).title, share=reason.share
        )
        for reason in reasons
    ]


def recommendations_from_proto(
    answer: recommendation_pb2.RecommendResponse,
    catalogue: Mapping[str, avatar_pb2.Item],
    click: Callable[[str, tuple[str, ...]], str],
    decided: str,
) -> bodies.RecommendAnswer:
    """Return the offers; `decided` names the decision behind them.

    `click` gives the path that removes an item, and what it rests on.
    """
    return bodies.RecommendAnswer(
        offers=[_offer_from_proto(offer, catalogue, click) for offer in answer.offers],
        abstained=answer.abstained,
        decision=decision_from_proto(answer.decision) if answer.HasField("decision") else None,
        model_version=answer.model_version,
        decided=decided,
    )


def _offer_from_proto(
    offer: recommendation_pb2.Offer,
    catalogue: Mapping[str, avatar_pb2.Item],
    click: Callable[[str, tuple[str, ...]], str],
) -> bodies.Offer:
    unknown = avatar_pb2.Item()
    refs = Offered(offer.item, grounds_from_proto(offer.reasons)).refs
    item = catalogue.get(offer.item, unknown)
    reasons = reasons_from_proto(offer.reasons, catalogue)
    return bodies.Offer(
        item=offer.item,
        title=item.title,
        topics=list(item.topics),
        price=item.price,
        score=offer.score,
        reasons=reasons,
        remove=click(offer.item, ()),
        remove_with_grounds=click(offer.item, refs) if refs else "",
    )


def items_to_proto(brand: str, body: bodies.ItemsBody) -> avatar_pb2.PutItemsRequest:
    return avatar_pb2.PutItemsRequest(brand=brand, items=[avatar_pb2.Item(**item.model_dump()) for item in body.items])


def books_from_proto(answer: profile_pb2.GetBooksResponse) -> bodies.BooksAnswer:
    return bodies.BooksAnswer(
        lines=[
            bodies.BooksLine(
                source=line.source,
                hour_ms=line.hour_ms,
                received=line.received,
                stored=line.stored,
                duplicate=line.duplicate,
                quarantined=line.quarantined,
                suppressed=line.suppressed,
                pending=line.pending,
            )
            for line in answer.lines
        ]
    )


def receipt_to_proto(brand: str, receipt: Receipt) -> profile_pb2.ReadFatesRequest:
    counts = Counter(receipt.events)
    runs = [
        profile_pb2.Run(batch_id=run.batch_id, partition=run.partition, first=run.first, count=counts[number])
        for number, run in enumerate(receipt.runs)
    ]
    return profile_pb2.ReadFatesRequest(brand=brand, accepted_at_ms=receipt.accepted_at_ms, runs=runs)


def fates_from_proto(text: str, receipt: Receipt, answer: profile_pb2.ReadFatesResponse) -> accounts.ReceiptAnswer:
    runs = [iter(run.fates) for run in answer.runs]
    fates = [next(runs[number]) for number in receipt.events]
    pending = sum(fate.fate == _PENDING for fate in fates)
    return accounts.ReceiptAnswer(
        receipt=text,
        complete=not pending,
        pending=pending,
        events=[
            accounts.EventFate(index=index, fate=fate.fate, reason=fate.reason, field=fate.field)
            for index, fate in enumerate(fates)
        ],
    )


def quarantine_from_proto(answer: profile_pb2.ListQuarantineResponse) -> accounts.QuarantineAnswer:
    return accounts.QuarantineAnswer(
        counts=[
            accounts.QuarantineCount(
                source=count.source,
                reason=count.reason,
                field=count.field,
                named=count.named.hex(),
                quarantined=count.quarantined,
                can_replay=count.can_replay,
                mended=count.mended,
            )
            for count in answer.counts
        ],
        events=[
            accounts.QuarantinedEvent(
                source=event.source,
                reason=event.reason,
                field=event.field,
                named=event.named.hex(),
                set_aside_at_ms=event.set_aside_at_ms,
                can_replay=event.can_replay,
                mended_at_ms=event.mended_at_ms,
                fate=event.fate,
            )
            for event in answer.events
        ],
        next=answer.next.hex(),
    )


def rule_to_proto(body: accounts.RuleBody, named: bytes, rule: Rule, own_ids: Iterable[int]) -> profile_pb2.MendingRule:
    values = [
        profile_pb2.ValueField(field=value.field, is_scaled=True, least=value.scale[0], most=value.scale[1])
        if value.scale
        else profile_pb2.ValueField(field=value.field)
        for value in rule.value
    ]
    return profile_pb2.MendingRule(
        source=body.source,
        named=named,
        means=spelled(body.means or body.event),
        kind=rule.kind,
        items=rule.item,
        values=values,
        needs_value=rule.needs_value,
        default_value=body.default,
        own_ids=own_ids,
    )


def rules_from_proto(answer: profile_pb2.ListMendingRulesResponse) -> accounts.RulesAnswer:
    return accounts.RulesAnswer(
        rules=[accounts.Rule(source=rule.source, named=rule.named.hex(), means=rule.means) for rule in answer.rules]
    )

"""What tests ask the service about decisions, and how they look at what it keeps."""

import json

import sqlalchemy as sa

from contracts.common.v1.subject_pb2 import Subject
from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.db import raw
from kit.tenancy import acting_for
from services.recommendation.deciding import Answers
from services.recommendation.deciding.promising import FIRST_CELL
from services.recommendation.judging import GAINS
from services.recommendation.repository import decisions

SUBJECT = Subject(brand="oak", audience="app:shop", eid=bytes(16))
MET = [f"a{place}" for place in range(8)]
DAY_MS = 86_400_000


def about(*circle, removed=(), **more):
    history = messages.History(items=MET, at_ms=range(len(MET)), removed_items=removed)
    return messages.DecideRequest(
        **{
            "brand": "oak",
            "known": messages.Known(circle=circle, history=history),
            "acts": ["offer"],
            "initiative": "persona",
            "channel": "web",
            "count": 3,
            **more,
        }
    )


def feedback(decision_id, outcome, **more):
    return messages.GiveFeedbackRequest(
        **{"brand": "oak", "subject": SUBJECT, "decision_id": decision_id, "outcome": outcome, **more}
    )


async def explained(stub, decision_id):
    request = messages.ExplainDecisionRequest(brand="oak", subject=SUBJECT, decision_id=decision_id)
    return json.loads((await stub.ExplainDecision(request)).document)


async def rows(database, table):
    async with database.reading() as connection:
        return (await connection.execute(sa.select(table))).all()


async def offered(stub, *circle, **more):
    return await stub.Decide(about(*circle, **more))


async def listed(stub, *personas):
    """Every page of what was decided about these."""
    documents, after, habits = [], b"", b""
    while not habits or after:
        answer = await stub.ListDecisions(messages.ListDecisionsRequest(personas=personas, after=after))
        documents += map(json.loads, answer.documents)
        after, habits = answer.next, habits or answer.habits or b"[]"
    return documents, json.loads(habits)


async def judged(database, brand, *, better):
    """Have answers say that the bandit would have brought so much more."""
    gains = Answers(200, 200 * 500 * (1 if better else -1), 200 * 600 * 600)
    with acting_for(brand):
        async with database.transaction() as connection:
            await decisions.teach(await raw(connection), brand, {GAINS: gains, FIRST_CELL + 5: Answers(200, 150, 10)})

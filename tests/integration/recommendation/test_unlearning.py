import secrets

import sqlalchemy as sa

from contracts.profile.v1 import events_pb2
from contracts.recommendation.v1 import recommendation_pb2 as messages
from kit.db import Database
from services.recommendation import tables
from tests.integration.recommendation.conftest import _message
from tests.integration.recommendation.test_process import learnt, model_of
from tests.unit.recommendation.town import lesson


def unlearn(*lessons, batch_id=None):
    told = events_pb2.Lessons(lessons=map(_message, lessons))
    return messages.UnlearnRequest(brand="oak", batch_id=batch_id or secrets.token_bytes(16), lessons=told)


class TestUnlearn:
    async def test_is_durable_when_it_is_answered_and_a_repetition_changes_nothing(self, running, announce, settings):
        asked = unlearn(lesson("tea", "cup"))
        async with running() as stub:
            await announce(lesson("tea", "cup"))
            await learnt(stub, await announce(lesson("lamp")))
            assert not (await stub.Unlearn(asked)).is_repeat
            assert (await model_of(stub)).interactions == 1
            database = Database(settings.database_url)
            async with database.reading() as connection:
                met = dict(map(tuple, await connection.execute(sa.select(tables.items.c.item, tables.items.c.met))))
            await database.dispose()
            assert met == {"tea": 0, "cup": 0, "lamp": 1}
        async with running() as stub:
            assert (await stub.Unlearn(asked)).is_repeat
            assert (await model_of(stub)).interactions == 1

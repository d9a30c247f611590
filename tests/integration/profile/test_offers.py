import json

import pytest

from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError
from services.profile.repository import offers
from services.profile.uses import DAY_MS
from tests.integration.profile.door import BRAND, SHOP
from tests.integration.profile.rights import WORLD

WHY = [contract.Ground(kind="liked_topic", ref="drinks")]


def lines(files):
    return [json.loads(each) for each in files["offers.ndjson"].splitlines()]


class TestOffers:
    async def test_are_shown_one_by_one_with_what_was_said_to_them(self, rights):
        await rights.grant()
        await rights.offered("cup", grounds=WHY)
        await rights.offered("tea", decision_id=b"d" * 16)
        rights.clock.ms += 1
        await rights.offered("", decision_id=b"d" * 16, answer="accepted")
        told = (await rights.see())["offers"]
        assert {each["item"]: each["answer"] for each in told} == {"cup": "", "tea": "accepted"}
        [cup] = [each for each in told if each["item"] == "cup"]
        assert cup["because"] == [{"kind": "liked_topic", "ref": "drinks"}]
        assert (cup["brand"], cup["audience"], cup["channel"]) == (BRAND, SHOP, "app")

    async def test_an_offer_is_objected_to_by_its_line(self, rights):
        await rights.grant()
        await rights.offered("cup", grounds=WHY)
        [offer] = (await rights.see())["offers"]
        await rights.remove(ref=offer["item"], grounds=[each["ref"] for each in offer["because"]])
        [offer] = (await rights.see())["offers"]
        assert (offer["answer"], offer["is_removed"]) == ("removed", True)
        await rights.restore(ref="cup")
        [offer] = (await rights.see())["offers"]
        assert (offer["answer"], offer["is_removed"]) == ("", False)

    async def test_what_was_said_to_one_is_no_benefit(self, rights):
        await rights.grant()
        await rights.offered("cup")
        await rights.offered("cup", answer="dismissed")
        assert [each["gave"] for each in (await rights.see())["benefits"]] == [{"offer_shown": 1}]

    async def test_another_audience_shows_its_own(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        await rights.offered("cup")
        assert (await rights.see("visitor", WORLD))["offers"] == []
        assert len((await rights.see())["offers"]) == 1

    async def test_the_archive_has_all_page_by_page(self, rights, monkeypatch):
        monkeypatch.setattr("services.profile.repository.offers._MOST_BEHIND", 2)
        await rights.grant()
        for number in range(5):
            await rights.offered(f"cup-{number}", grounds=WHY)
        await rights.offered("cup-0", answer="dismissed")
        files, _ = await rights.archive()
        told = [(each["item"], each["answer"]) for each in lines(files)]
        assert told == [*((f"cup-{number}", "") for number in range(5)), ("cup-0", "dismissed")]

    async def test_nothing_of_it_is_readable_at_rest(self, rights, room):
        await rights.grant()
        await rights.offered("peculiar-cup", grounds=[contract.Ground(kind="liked_topic", ref="peculiar-topic")])
        async with room.profile() as connection:
            [(body,)] = await connection.fetch("SELECT body FROM offers")
        assert b"peculiar" not in body

    async def test_what_is_old_is_told_no_more(self, rights, room, clock):
        await rights.grant()
        await rights.offered("cup")
        async with room.profile() as connection:
            await offers.expire(connection, BRAND, clock() // DAY_MS, 10)
            assert len(await connection.fetch("SELECT * FROM offers")) == 1
            await offers.expire(connection, BRAND, clock() // DAY_MS + 1, 10)
            assert len(await connection.fetch("SELECT * FROM offers")) == 0

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"item": "x" * 65}, "item"),
            ({"item": "cup", "answer": "maybe"}, "answer"),
            ({"item": "cup", "grounds": WHY * 4}, "grounds"),
            ({"item": ""}, "item"),
        ],
    )
    async def test_what_is_no_offer_is_refused_by_name(self, rights, facts, field):
        with pytest.raises(RemoteError) as refused:
            await rights.offered(**facts)
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", f"benefits.offered.{field}")

import json

import pytest

from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError
from services.profile.domain import COLLECT, OFFER, Kind
from services.profile.repository import uses
from tests.integration.profile.door import BRAND, SHOP, eid
from tests.integration.profile.rights import PERSONALISE, REMEMBER, WORLD


class TestObject:
    async def test_what_is_objected_to_is_neither_told_nor_ranks(self, rights):
        await rights.grant()
        await rights.did(rights.event(kind=Kind.BOUGHT, topics=("drinks",)))
        assert (await rights.view()).likes == ["drinks"]
        await rights.object("likes", "habits")
        view, signals = await rights.view(), await rights.signals()
        assert (list(view.likes), list(view.kinds), list(view.channels)) == ([], [], [])
        assert (list(signals.likes), [each.item for each in signals.signals]) == ([], ["tea"])

    async def test_who_objects_to_ranking_is_offered_nothing_for_what_they_did(self, rights):
        await rights.grant()
        await rights.did(rights.event(kind=Kind.BOUGHT))
        await rights.object("ranking")
        answer = await rights.persona()
        assert [(each.item, each.weight) for each in answer.signals] == [("tea", 0.0)]
        assert list(answer.likes) == []

    async def test_objecting_to_nothing_takes_it_back(self, rights):
        await rights.grant()
        await rights.did(rights.event(kind=Kind.BOUGHT, topics=("drinks",)))
        await rights.object("likes")
        await rights.object()
        assert (await rights.view()).likes == ["drinks"]

    async def test_an_inference_nobody_makes_is_refused_by_name(self, rights):
        with pytest.raises(RemoteError) as refused:
            await rights.object("income")
        assert (refused.value.field, refused.value.limit) == (
            "inferences",
            "likes, dislikes, wishes, habits, ranking, relationship",
        )


class TestBought:
    async def test_days_of_purchases_are_told_to_services_unless_it_is_objected_to(self, rights, clock):
        await rights.grant()
        assert not (await rights.signals()).HasField("bought")
        day = 86_400_000
        today = (clock() - 1000) // day
        for ago in (9, 9, 2):
            await rights.did(rights.event(kind=Kind.BOUGHT, value=4.5, at_ms=(today - ago) * day))
        told = (await rights.signals()).bought
        assert (told.days, told.first_day, told.last_day, told.spend) == (2, today - 9, today - 2, 13.5)
        assert (await rights.persona()).bought == told
        await rights.object("ranking")
        assert not (await rights.signals()).HasField("bought")


class TestPlay:
    async def test_what_worlds_counted_is_shown_as_scores_with_intervals(self, rights):
        await rights.grant()
        assert (await rights.see())["play"] is None
        counted = {"hours": 6.0, "help_given": 40.0, "trades": 1.0}
        kept = {"kind": Kind.PLAYED, "item": None}
        await rights.did(*(rights.event(topics=(name,), value=much, **kept) for name, much in counted.items()))
        play = (await rights.see())["play"]
        assert (play["model"], play["is_objected"]) == ("hexad6/1", False)
        giving, trading = (play["dimensions"][name] for name in ("philanthropist", "player"))
        assert giving["least"] > 0.5 > trading["mean"]
        await rights.object("habits")
        assert (await rights.see())["play"]["is_objected"]
        files, _ = await rights.archive()
        assert set(json.loads(files["traits.json"])["played"]) == set(counted)


def corrected(rights, ref, value, **facts):
    return rights.event(kind=Kind.CORRECTED, item=None, topics=(ref,), value=value, **facts)


class TestCorrect:
    async def test_it_outranks_what_is_inferred_before_and_after(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.BOUGHT, topics=("drinks",)) for _ in range(3)))
        await rights.did(corrected(rights, "drinks", 0.0))
        await rights.did(*(rights.event(kind=Kind.BOUGHT, topics=("drinks",)) for _ in range(3)))
        view = await rights.view()
        assert (list(view.likes), list(view.dislikes)) == ([], ["drinks"])

    async def test_it_needs_no_consent_to_collecting(self, rights, room):
        await rights.grant()
        await rights.did(rights.event(kind=Kind.BOUGHT, topics=("drinks",)))
        await room.withdraw("ada", COLLECT)
        await rights.did(corrected(rights, "drinks", 0.5), rights.event(kind=Kind.BOUGHT, topics=("cups",)))
        assert (await rights.see())["stated"] == [{"ref": "drinks", "says": "neither", "at_ms": room.clock() - 1000}]
        assert (await room.books())["suppressed"] == 1
        assert list((await rights.view()).likes) == []

    async def test_somebody_unknown_has_nothing_to_correct(self, rights, room):
        await rights.did(corrected(rights, "drinks", 0.0, name="nobody"))
        assert (await room.books())["suppressed"] == 1

    async def test_what_was_never_met_is_kept_and_not_told(self, rights):
        await rights.grant()
        await rights.did(rights.event(), corrected(rights, "annie-mueller", 1.0))
        assert list((await rights.view()).likes) == []
        assert [each["ref"] for each in (await rights.see())["stated"]] == ["annie-mueller"]


class TestSee:
    async def test_what_is_known_inferred_and_why(self, rights):
        await rights.grant()
        await rights.did(rights.event(kind=Kind.BOUGHT, item="pot", topics=("drinks",)), rights.event())
        seen = await rights.see()
        assert [(each["kind"], each["count"]) for each in seen["known"]["kinds"]] == [("seen", 1), ("bought", 1)]
        [like] = [each for each in seen["inferred"] if each["trait"] == "like"]
        assert (like["value"], like["source"], like["model"]) == ("drinks", "inferred", "traits/1")
        assert {each["item"] for each in like["because"]} == {"pot", "tea"}
        assert {each["purpose"] for each in seen["consents"] if each["state"] == "given"} == {
            COLLECT,
            PERSONALISE,
            OFFER,
            REMEMBER,
        }

    async def test_who_read_what_under_which_record(self, rights):
        await rights.grant()
        for _ in range(3):
            await rights.persona()
        await rights.view()
        seen = await rights.see()
        read = {(each["audience"], each["purpose"], each["what"]): each["count"] for each in seen["readers"]}
        assert read == {(SHOP, PERSONALISE, "view"): 4, (SHOP, OFFER, "signals"): 3, (SHOP, REMEMBER, "memory"): 3}
        records = {each["record_id"] for each in seen["consents"] if each["state"] == "given"}
        assert {each["record_id"] for each in seen["readers"]} <= records

    async def test_a_denied_read_is_none(self, rights, room):
        await rights.grant()
        await room.withdraw("ada")
        await rights.persona()
        assert (await rights.see())["readers"] == []

    async def test_what_each_purpose_gave(self, rights, clock):
        await rights.grant()
        given = [
            contract.Benefit(
                audience=SHOP, eid=eid(name), purpose=OFFER, what="offer_shown", count=2, last_at_ms=clock()
            )
            for name in ("ada", "nobody")
        ]
        await rights.profile.NoteBenefits(contract.NoteBenefitsRequest(brand=BRAND, benefits=given))
        await rights.signals()
        assert (await rights.see())["benefits"] == [
            {"purpose": OFFER, "used": {"signals": 1}, "gave": {"offer_shown": 2}}
        ]

    async def test_somebody_unknown_sees_nothing(self, rights):
        seen = await rights.see("nobody")
        assert seen["handle"] == ""
        assert not any(seen[part] for part in ("inferred", "readers", "consents", "removed", "linked"))

    async def test_another_audience_of_a_linked_persona_is_named_and_not_shown(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.did(rights.event("visitor", source=WORLD, kind=Kind.BOUGHT, item="absinthe", topics=("spirits",)))
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        seen = await rights.see()
        assert seen["linked"] == [{"audience": WORLD, "facets": 1}]
        assert "absinthe" not in json.dumps(seen)
        files, _ = await rights.archive()
        assert b"absinthe" not in b"".join(files.values())

    async def test_what_another_audience_read_of_a_linked_persona_is_told(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        await rights.signals("visitor", WORLD)
        assert [(each["audience"], each["what"]) for each in (await rights.see())["readers"]] == [(WORLD, "signals")]

    async def test_what_is_old_is_told_no_more(self, rights, room, clock):
        await rights.grant()
        await rights.view()
        await room.stores.uses.flush(room.stores.profile)
        async with room.profile() as connection:
            await uses.expire(connection, BRAND, clock() // 86_400_000, 10)
            assert len(await connection.fetch("SELECT * FROM uses")) == 1
            await uses.expire(connection, BRAND, clock() // 86_400_000 + 1, 10)
            assert len(await connection.fetch("SELECT * FROM uses")) == 0

import io
import json
from dataclasses import replace

import pytest

from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2 as contract
from kit.errors import RemoteError
from services.profile.domain import COLLECT, OFFER, Kind
from services.profile.person import DecidedPage
from services.profile.repository import uses
from services.profile.use_cases.export import export
from services.profile.use_cases.see import see
from tests.integration.profile.door import BRAND, SHOP, eid, subject, subject_message

PERSONALISE, REMEMBER = "personalise.world", "remember.conversation"
WORLD = "world:mall"


@pytest.fixture
def rights(profile, room, clock):
    return Rights(profile, room, clock)


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

    async def remove(self, what="offer", ref="tea", name="ada", audience=SHOP):
        removal = contract.Removal(what=what, ref=ref if what == "offer" else "")
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


class TestRemove:
    async def test_the_very_next_decision_does_not_offer_it(self, rights):
        await rights.grant()
        assert list((await rights.persona()).removed_items) == []
        await rights.remove(ref="tea")
        assert list((await rights.persona()).removed_items) == ["tea"]
        assert list((await rights.signals()).removed_items) == ["tea"]

    async def test_a_warm_read_does_not_outlive_it(self, rights):
        await rights.grant()
        for number in range(20):
            await rights.persona()
            await rights.remove(ref=f"tea-{number}")
            assert f"tea-{number}" in (await rights.persona()).removed_items

    async def test_removing_the_brand_denies_every_offer(self, rights):
        await rights.grant()
        await rights.remove("brand")
        answer = await rights.persona()
        assert [each.reason for each in answer.decisions if each.purpose == OFFER] == ["REMOVED"]
        assert (await rights.signals()).decision.is_allowed is False
        await rights.restore("brand")
        assert (await rights.signals()).decision.is_allowed is True

    async def test_gifts_go_by_their_topic(self, rights):
        await rights.grant()
        await rights.remove("gifts")
        assert list((await rights.signals()).removed_topics) == ["gift"]

    async def test_again_changes_nothing_not_even_the_time_to_undo(self, rights, clock):
        await rights.grant()
        first = await rights.remove()
        clock.ms += 9_000
        assert await rights.remove() == first
        await rights.restore()
        assert list((await rights.signals()).removed_items) == []

    async def test_it_is_too_late_after_ten_seconds_and_never_for_the_person(self, rights, clock):
        await rights.grant()
        await rights.remove()
        clock.ms += 10_001
        with pytest.raises(RemoteError) as late:
            await rights.restore()
        assert (late.value.reason, late.value.field) == ("UNDO_EXPIRED", "removal")
        await rights.restore(within_ms=0)
        assert list((await rights.signals()).removed_items) == []

    async def test_somebody_unknown_is_answered_like_anybody(self, rights, clock):
        assert await rights.remove(name="nobody") <= clock.ms
        await rights.grant()
        for name in ("nobody", "ada"):
            with pytest.raises(RemoteError) as refused:
                await rights.restore(name=name)
            assert refused.value.reason == "REMOVAL_UNKNOWN"

    async def test_it_holds_wherever_the_persona_is_linked_and_is_undone_there(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        await rights.remove(ref="tea")
        assert list((await rights.signals("visitor", WORLD)).removed_items) == ["tea"]
        await rights.restore(ref="tea")
        assert list((await rights.signals("visitor", WORLD)).removed_items) == []

    async def test_what_the_world_removed_is_taken_back_in_the_shop(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.remove(ref="tea", name="visitor", audience=WORLD)
        assert list((await rights.persona()).removed_items) == []
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        assert list((await rights.persona()).removed_items) == ["tea"]
        await rights.restore(ref="tea")
        assert list((await rights.signals("visitor", WORLD)).removed_items) == []

    async def test_it_holds_no_further_than_the_link(self, rights):
        await rights.grant()
        await rights.grant("visitor", audience=WORLD)
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        await rights.remove(ref="tea")
        await rights.unlink("visitor", WORLD)
        assert list((await rights.signals("visitor", WORLD)).removed_items) == []
        assert list((await rights.signals()).removed_items) == ["tea"]

    async def test_no_door_keeps_what_was_read_before_it(self, rights):
        await rights.grant()
        before = await rights.vouched()
        await rights.remove()
        # A copy is dropped when a later change of its persona is applied: that of the removal.
        assert (await rights.vouched()).read_at > before.read_at

    async def test_five_hundred_are_kept_and_the_next_is_refused_by_name(self, rights, monkeypatch):
        monkeypatch.setattr("services.profile.choices.MOST_REMOVALS", 2)
        await rights.grant()
        await rights.remove(ref="a")
        await rights.remove(ref="b")
        with pytest.raises(RemoteError) as refused:
            await rights.remove(ref="c")
        assert (refused.value.reason, refused.value.limit) == ("REMOVALS_FULL", "2")
        await rights.remove(ref="a")

    @pytest.mark.parametrize(("what", "ref"), [("offer", ""), ("offer", "a b"), ("brand", "x"), ("all", "")])
    async def test_what_cannot_be_removed_is_refused_by_name(self, rights, what, ref):
        removal = contract.Removal(what=what, ref=ref)
        request = contract.RemoveRequest(subject=subject_message("ada"), removal=removal, statement=rights.said())
        with pytest.raises(RemoteError) as refused:
            await rights.profile.Remove(request)
        assert refused.value.reason == "INVALID_ARGUMENT"
        assert refused.value.field.startswith("removal.")

    async def test_nothing_of_it_is_readable_in_the_vault(self, rights, room):
        await rights.grant()
        await rights.remove(ref="peculiar-tea")
        [(body,)] = await room.vault_rows("SELECT choices FROM personas")
        assert body
        assert b"peculiar" not in body


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


FAN = (-8, -4, -8, 8, -8)


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


class TestRelationship:
    async def test_what_was_said_is_told_shown_and_taken_away_as_numbers(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.PRAISED, stances=FAN) for _ in range(6)))
        told, view, shown = (await rights.signals()).relationship, await rights.view(), await rights.see()
        assert (told.pack, told.type, told.family, told.is_declared) == ("core4", "fan", "affection", False)
        assert view.relationship == "affection"
        assert (shown["relationship"]["type"], shown["relationship"]["texts"]) == ("fan", 6)
        assert (shown["journey"]["switching_risk"], shown["journey"]["model"]) == (0.05, "journey/1")
        files, _ = await rights.archive()
        assert [each["stances"] for each in json.loads(files["traits.json"])["heard"]] == [list(FAN)] * 6

    async def test_a_declaration_outranks_it_from_the_next_read_on_until_it_is_taken_back(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.PRAISED, stances=FAN) for _ in range(6)))
        assert (await rights.persona()).relationship.type == "fan"
        declared = await rights.declare("ruler")
        assert (declared.type, declared.family) == ("ruler", "power")
        told = (await rights.persona()).relationship
        assert (told.type, told.confidence, told.is_declared) == ("ruler", 1.0, True)
        assert (await rights.see())["relationship"]["source"] == "declared"
        await rights.declare("")
        assert (await rights.persona()).relationship.type == "fan"

    async def test_it_holds_wherever_the_persona_is_linked(self, rights):
        await rights.grant()
        await rights.grant(audience=WORLD)
        await rights.declare("fan")
        await rights.link(("ada", SHOP), ("ada", WORLD))
        assert (await rights.signals(audience=WORLD)).relationship.type == "fan"

    async def test_who_objects_is_met_with_reserve(self, rights):
        await rights.grant()
        await rights.did(*(rights.event(kind=Kind.PRAISED, stances=FAN) for _ in range(6)))
        await rights.object("relationship")
        assert (await rights.signals()).relationship.family == "unknown"
        assert (await rights.see())["relationship"]["is_objected"]

    async def test_a_type_nobody_has_is_refused_by_name(self, rights):
        with pytest.raises(RemoteError) as refused:
            await rights.declare("king")
        assert (refused.value.reason, refused.value.field) == ("RELATIONSHIP_UNKNOWN", "type")

    async def test_nothing_is_told_without_the_purpose(self, rights, room):
        await rights.grant("ada", COLLECT)
        await rights.declare("fan")
        assert not (await rights.signals()).HasField("relationship")


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
        await rights.did(rights.event("visitor", source=WORLD, kind=Kind.BOUGHT, item="gin", topics=("spirits",)))
        await rights.link(("ada", SHOP), ("visitor", WORLD))
        seen = await rights.see()
        assert seen["linked"] == [{"audience": WORLD, "facets": 1}]
        assert "gin" not in json.dumps(seen)
        files, _ = await rights.archive()
        assert b"gin" not in b"".join(files.values())

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


class Deciders:
    """Has decided so often about whoever it is asked of; two to a page."""

    def __init__(self, count):
        moment = {"at_ms": 1, "channel": "web", "initiative": "brand", "acts": ["offer"]}
        made = {"act": "offer", "silence": "", "outcome": "none", "moment": moment, "lot": 0.5}
        self.documents = [json.dumps({**made, "item": f"cup-{number}"}).encode() for number in range(count)]

    async def decided(self, keyed, after=b""):
        assert all(len(key) == 32 for _, key in keyed)
        start = int(after or b"0")
        is_last = start + 2 >= len(self.documents)
        place = b"" if is_last else str(start + 2).encode()
        return DecidedPage(tuple(self.documents[start : start + 2]), place, b'[{"presence":{"hour 4":2.0}}]')


class TestExport:
    async def test_holds_everything_page_by_page(self, rights, monkeypatch):
        monkeypatch.setattr("services.profile.use_cases.export._PAGE_BYTES", 200)
        await rights.grant()
        for number in range(5):
            await rights.did(*(rights.event(item=f"tea-{number}-{each}") for each in range(4)))
        await rights.remove(ref="gin")
        files, pages = await rights.archive()
        lines = [json.loads(line) for line in files["interactions.ndjson"].splitlines()]
        assert [line["item"] for line in lines] == [f"tea-{number}-{each}" for number in range(5) for each in range(4)]
        assert pages > 3
        assert [each["ref"] for each in json.loads(files["offers.json"])["removed"]] == ["gin"]
        assert {each["@type"] for each in json.loads(files["consents.jsonld"])} == {"dpv:ConsentRecord"}
        assert files["consents.jws"].count(b".") == 2
        assert set(files) >= {"person.json", "traits.json", "inferences.json", "links.json", "recipients.json"}

    async def test_what_was_decided_goes_over_pages_and_is_one_array(self, rights, room):
        await rights.grant()
        await rights.did(rights.event(item="tea-1"))
        deciding = replace(room.stores, rankings=Deciders(5))
        files, after = {}, b""
        while not files or after:
            page = await export(deciding, subject("ada"), after)
            for name, content in page.parts:
                files[name] = files.get(name, b"") + content
            after = page.next
        assert [each["item"] for each in json.loads(files["decisions.json"])] == [
            f"cup-{number}" for number in range(5)
        ]
        assert json.loads(files["habits.json"]) == [{"presence": {"hour 4": 2.0}}]
        assert list(files)[-2:] == ["decisions.json", "interactions.ndjson"]
        assert b"tea-1" in files["interactions.ndjson"]
        shown = (await see(deciding, subject("ada"))).decided
        assert [(each.item, each.outcome, each.moment.channel) for each in shown[:1]] == [("cup-0", "none", "web")]

    async def test_where_nobody_decides_nothing_was_decided(self, rights):
        await rights.grant()
        files, _ = await rights.archive()
        assert (json.loads(files["decisions.json"]), json.loads(files["habits.json"])) == ([], [])

    async def test_of_somebody_unknown_it_is_empty(self, rights):
        files, pages = await rights.archive("nobody")
        assert (files["interactions.ndjson"], pages) == (b"", 1)

    async def test_who_is_erased_meanwhile_breaks_it_off(self, rights, room):
        await rights.grant()
        await rights.did(rights.event())
        page = await rights.profile.Export(contract.ExportRequest(subject=subject_message("ada")))
        erasing = contract.EraseRequest(subject=subject_message("ada"), statement=rights.said())
        await rights.profile.Erase(erasing, timeout=PATIENT_S)
        for after in (page.next, b"nonsense"):
            with pytest.raises(RemoteError) as broken:
                await rights.profile.Export(contract.ExportRequest(subject=subject_message("ada"), after=after))
            assert broken.value.reason == "EXPORT_BROKEN"

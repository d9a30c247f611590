import pytest

from contracts.avatar.v1 import avatar_pb2 as pb
from kit.errors import Status, TypedError
from services.avatar import convert
from services.avatar.repository import read_encounter


class TestOpen:
    async def test_a_stranger_meets_a_silent_figure(self, shop):
        opened = await shop.visit(shop.visitor()).open()
        assert list(opened.grants) == []
        assert not opened.HasField("view")
        assert not opened.HasField("memory")
        assert (opened.next.act, opened.next.say) == ("none", "")
        assert opened.next.why == ["You have not allowed: personal service in this world."]
        assert opened.ai_line == "I am Ada, an AI guide."
        assert [decision.purpose for decision in opened.decisions] == [
            "personalise.world",
            "remember.conversation",
            "recommend.offer",
            "collect.behaviour",
        ]
        assert {decision.reason for decision in opened.decisions} == {"NEVER_ASKED"}

    async def test_who_allows_it_is_greeted_with_a_grant(self, ada):
        opened = await ada.open("de-AT")
        assert [grant.kind for grant in opened.grants] == ["greet"]
        assert opened.view.handle.startswith("1.")
        assert opened.next.act == "say"
        assert opened.next.say
        assert opened.next.expires_at_ms == opened.grants[0].expires_at_ms
        assert opened.ai_line == "Ich bin Ada, eine KI-Begleiterin."

    async def test_a_repeat_opens_nothing_new(self, ada):
        first, again = await ada.open(), await ada.open()
        assert (first.is_repeat, again.is_repeat) == (False, True)
        assert list(again.grants) == list(first.grants)
        assert again.next == first.next

    async def test_a_repeat_is_told_under_todays_consent(self, shop, ada):
        await ada.open()
        shop.profile.take(ada.visit.subject)
        again = await ada.open()
        assert list(again.grants) == []
        assert not again.HasField("view")
        assert again.next.why == ["You took your consent back: personal service in this world."]

    async def test_leave_to_greet_runs_out(self, shop, ada):
        await ada.open()
        shop.clock.pass_s(61)
        again = await ada.open()
        assert list(again.grants) == []
        assert again.next.act == "wait"

    async def test_an_unknown_avatar_is_refused(self, shop):
        with pytest.raises(TypedError) as refused:
            await shop.visit(shop.visitor(), avatar="eve").open()
        assert (refused.value.reason, refused.value.status) == ("UNKNOWN_AVATAR", Status.NOT_FOUND)

    async def test_the_id_of_a_visit_that_ran_out_opens_a_new_one(self, shop, ada):
        await ada.open()
        await ada.observe("dismissed", "lamp")
        shop.clock.pass_s(31 * 60)
        again = shop.visit(ada.visit.subject, visit_id=ada.visit.visit_id)
        assert not (await again.open()).is_repeat
        async with shop.database.reading() as connection:
            kept = await read_encounter(connection, convert.visit(again.visit, shop.clock.ms), locked=False)
        assert kept.encounter.dismissed == ()

    @pytest.mark.parametrize(
        ("field", "value"),
        [("avatar", "ADA"), ("visit_id", b"short")],
    )
    async def test_a_malformed_visit_is_refused(self, shop, field, value):
        visiting = shop.visit(shop.visitor())
        setattr(visiting.visit, field, value)
        with pytest.raises(TypedError) as refused:
            await visiting.open()
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", f"visit.{field}")


class TestVisit:
    @pytest.mark.parametrize("frame", ["observe", "ask", "act", "consent", "forget"])
    async def test_a_visit_nobody_opened_is_unknown(self, shop, frame):
        visiting = shop.visit(shop.visitor())
        calls = {
            "observe": lambda: visiting.observe("seen"),
            "ask": visiting.ask,
            "act": lambda: visiting.act("s1", "done"),
            "consent": lambda: visiting.consent(give=["recommend.offer"]),
            "forget": visiting.forget,
        }
        with pytest.raises(TypedError) as refused:
            await calls[frame]()
        assert (refused.value.reason, refused.value.status) == ("VISIT_UNKNOWN", Status.NOT_FOUND)

    async def test_a_visit_that_ran_out_is_gone(self, shop, ada):
        await ada.open()
        shop.clock.pass_s(30 * 60)
        with pytest.raises(TypedError) as refused:
            await ada.ask()
        assert (refused.value.reason, refused.value.status) == ("VISIT_EXPIRED", Status.GONE)

    async def test_a_closed_visit_is_gone_and_closing_twice_harmless(self, ada):
        await ada.open()
        assert not (await ada.close()).is_repeat
        assert (await ada.close()).is_repeat
        with pytest.raises(TypedError) as refused:
            await ada.observe("seen")
        assert refused.value.reason == "VISIT_EXPIRED"

    async def test_a_frame_from_before_the_close_is_answered_again(self, ada):
        await ada.open()
        first = await ada.ask(frame_id="f1")
        await ada.close()
        again = await ada.ask(frame_id="f1")
        assert again.is_repeat
        assert (again.action.act, again.action.item, again.action.ref) == ("show", "lamp", first.action.ref)

    async def test_a_visit_is_of_one_audience_and_one_avatar(self, shop, ada):
        await ada.open()
        other = shop.visit(ada.visit.subject, visit_id=ada.visit.visit_id)
        other.visit.subject.audience = "world:elsewhere"
        with pytest.raises(TypedError) as refused:
            await other.ask()
        assert refused.value.reason == "VISIT_UNKNOWN"


class TestOpenMany:
    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("openings.ref", {"ref": "two words"}),
            ("openings.language", {"language": "en_GB"}),
            ("visit.avatar", {"visit": pb.Visit(avatar="Ada")}),
        ],
    )
    async def test_what_is_malformed_is_refused_by_name(self, shop, ada, field, changes):
        told = {"visit": ada.visit, "language": "en", "opening": b"", "ref": "r1", "opened_at_ms": 1}
        visit = pb.Visit()
        visit.CopyFrom(ada.visit)
        visit.MergeFrom(changes.get("visit", pb.Visit()))
        with pytest.raises(TypedError) as refused:
            await shop.stub.OpenMany(pb.OpenManyRequest(openings=[pb.Opening(**told | changes | {"visit": visit})]))
        assert (refused.value.status, refused.value.field) == (Status.INVALID, field)

    async def test_none_and_too_many_are_refused(self, shop, ada):
        for count in (0, 501):
            openings = [pb.Opening(visit=ada.visit, ref="r1")] * count
            with pytest.raises(TypedError) as refused:
                await shop.stub.OpenMany(pb.OpenManyRequest(openings=openings))
            assert (refused.value.field, refused.value.limit) == ("openings", "1 to 500")

import pytest

from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.interaction.v1.interaction_pb2 import Kind
from doors.proofs import PERSON, Proofs


class TestOpen:
    async def test_a_visit_opens_with_persona_grants_action_limits_and_ai_line(self, stand):
        opened = await stand.open()

        assert set(opened) == {"s", "p", "g", "n", "lim", "ai"}
        assert opened["p"] == {"f": "", "no": "NEVER_ASKED"}
        assert 1700 < opened["g"]["greet"] <= 1800
        assert opened["n"] == {"act": "say", "say": "Good day."}

    async def test_the_same_frame_opens_the_same_visit(self, stand):
        await stand.open()
        again = await stand.open()

        assert again["dup"] == 1
        first, second = stand.core.of(pb.OpenRequest)
        assert first.visit.visit_id == second.visit.visit_id

    async def test_the_core_hears_a_pseudonym_of_this_world_only(self, stand):
        await stand.open()

        subject = stand.core.of(pb.OpenRequest)[0].visit.subject
        assert (subject.brand, subject.audience, len(subject.eid)) == ("oak", "world:oak-street", 16)

    @pytest.mark.parametrize("room", [160, 240, 600, 1600, 4000])
    async def test_an_answer_is_cut_to_what_the_world_can_take(self, stand, room):
        answer = await stand.post({"op": "open", "v": "x", "cap": {"max": room}})

        assert answer.status_code == 200
        assert len(answer.content) <= room

    async def test_later_answers_are_cut_as_the_visit_was_opened(self, stand):
        stand.core.line = "word " * 200
        visit = (await stand.open(cap={"max": 300, "say": 40}))["s"]

        answer = await stand.post({"op": "ask", "s": visit, "k": "rec"})

        assert len(answer.content) <= 300
        assert len(answer.json()["say"]) <= 40
        assert answer.json()["why"]


class TestTexts:
    async def test_what_a_visitor_said_becomes_evidence(self, stand):
        visit, stances, number = (await stand.open())["s"], (), 0

        # Nobody waits for an encoder that is being loaded: the first events go on without.
        while not stances:
            number += 1
            frame = {"op": "obs", "s": visit, "i": f"b-{number}", "e": "praised", "t": "I love this brand!"}
            assert (await stand.post(frame)).json() == {"ok": 1}
            _, published = await stand.published()
            stances = published[-1].stances

        assert max(stances) == stances[3] > 0

    async def test_an_event_that_comes_without_words_names_the_key(self, stand):
        visit = (await stand.open())["s"]

        answer = await stand.post({"op": "obs", "s": visit, "i": "b-1", "e": "bought", "t": "I love this brand!"})

        assert (answer.status_code, answer.json()["err"]["field"]) == (400, "t")
        assert "love" not in answer.text


class TestPlay:
    async def test_what_was_counted_is_on_the_stream_part_by_part_and_once(self, stand):
        visit = (await stand.open())["s"]
        frame = {"op": "play", "s": visit, "i": "b-1", "n": {"hours": 0.5, "trades": 2, "blocks_built": 40}}

        assert (await stand.post(frame)).json() == {"ok": 1}
        await stand.post(frame)

        _, told = await stand.published()
        assert {each.kind for each in told} == {Kind.KIND_PLAYED}
        assert {(each.topics, each.value) for each in told} == {
            (("hours",), 0.5),
            (("trades",), 2.0),
            (("blocks_built",), 40.0),
        }
        assert (len(told), len({each.mid for each in told})) == (6, 3)
        assert stand.core.of(pb.ObserveRequest) == []

    @pytest.mark.parametrize(
        ("counted", "field"),
        [
            ({"trades": 1}, "hours"),
            ({"hours": 25}, "n.hours"),
            ({"hours": 0}, "n.hours"),
            ({"hours": 1, "kills": 3}, "kills"),
        ],
    )
    async def test_what_does_not_fit_is_refused_by_name(self, stand, counted, field):
        visit = (await stand.open())["s"]

        answer = await stand.post({"op": "play", "s": visit, "n": counted})

        assert (answer.status_code, answer.json()["err"]["field"]) == (400, field)
        assert await stand.published() == ([], [])


class TestObserve:
    async def test_what_happened_is_on_the_stream_and_with_the_encounter(self, stand):
        visit = (await stand.open())["s"]

        answer = await stand.post({"op": "obs", "s": visit, "i": "b-2", "e": "tried", "ref": "lantern", "dt": 60})

        assert answer.json() == {"ok": 1}
        _, (interaction,) = await stand.published()
        eid = stand.core.of(pb.OpenRequest)[0].visit.subject.eid
        assert (interaction.source, interaction.eid) == ("world:oak-street", eid)
        assert (interaction.kind, interaction.channel) == (Kind.KIND_TRIED, "world")
        assert (interaction.item, interaction.topics) == ("lantern", ("light", "brass"))
        assert abs(interaction.at_ms / 1000 - (stand.clock() - 60)) < 5
        assert stand.core.of(pb.ObserveRequest)[0].event == "tried"

    async def test_a_repeated_frame_has_the_same_message_id(self, stand):
        visit = (await stand.open())["s"]
        frame = {"op": "obs", "s": visit, "i": "b-2", "e": "bought", "ref": "lantern"}

        await stand.post(frame)
        again = await stand.post(frame)

        assert again.json()["dup"] == 1
        _, (first, second) = await stand.published()
        assert first.mid == second.mid

    async def test_what_is_no_interaction_is_noted_and_not_published(self, stand):
        visit = (await stand.open())["s"]

        await stand.post({"op": "obs", "s": visit, "e": "talked"})

        assert await stand.published() == ([], [])
        assert stand.core.of(pb.ObserveRequest)[0].event == "talked"

    async def test_nothing_the_world_calls_somebody_is_on_the_stream_or_with_the_core(self, stand):
        visit = (await stand.open(v="avatar-uuid-4711"))["s"]
        await stand.post({"op": "obs", "s": visit, "i": "server-of-joe-1", "e": "seen", "ref": "lantern"})

        raw, _ = await stand.published()
        for message in (*raw, *(heard.SerializeToString() for heard in stand.core.heard)):
            assert b"4711" not in message
            assert b"joe" not in message


class TestOtherFrames:
    async def test_an_answer_to_ask_says_what_why_and_how_long_quiet(self, stand):
        visit = (await stand.open())["s"]

        answer = (await stand.post({"op": "ask", "s": visit, "q": "Where is the lantern?"})).json()

        assert answer["act"] == "show"
        assert (answer["ref"], answer["item"], answer["quiet"]) == ("step-1", "lantern", 60)
        assert answer["why"] == ["You asked for light."]
        asked = stand.core.of(pb.AskRequest)[0]
        assert (asked.kind, asked.question, asked.is_visitor_asking) == ("where", "Where is the lantern?", True)

    async def test_an_avatar_that_asks_for_itself_says_so(self, stand):
        visit = (await stand.open())["s"]

        await stand.post({"op": "ask", "s": visit, "k": "rec", "unasked": True})

        assert not stand.core.of(pb.AskRequest)[0].is_visitor_asking

    async def test_what_became_of_a_step_is_on_the_stream_with_its_item(self, stand):
        visit = (await stand.open())["s"]

        answer = await stand.post({"op": "act", "s": visit, "ref": "step-1", "r": "refused"})

        assert answer.json() == {"ok": 1, "quiet": 120}
        _, (interaction,) = await stand.published()
        assert (interaction.kind, interaction.item) == (Kind.KIND_DISMISSED, "lantern")

    async def test_consent_is_changed_and_told(self, stand):
        visit = (await stand.open())["s"]

        answer = await stand.post({"op": "con", "s": visit, "give": ["personalise.world"], "take": ["recommend.offer"]})

        assert answer.json() == {"ok": 1, "con": {"personalise.world": "given"}}
        asked = stand.core.of(pb.ChangeConsentRequest)[0]
        assert (list(asked.give), list(asked.take)) == (["personalise.world"], ["recommend.offer"])
        assert asked.statement.method == "frame"

    @pytest.mark.parametrize(("said", "is_heard"), [("1", True), ("0", False), ("true", False), ("", False)])
    async def test_a_browser_world_passes_global_privacy_control_on(self, stand, said, is_heard):
        visit = (await stand.open())["s"]

        await stand.post({"op": "con", "s": visit, "give": ["offer.brand@brand:elm"]}, **{"Sec-GPC": said})

        assert stand.core.of(pb.ChangeConsentRequest)[0].statement.has_gpc is is_heard

    async def test_forgetting_has_a_receipt(self, stand):
        visit = (await stand.open())["s"]

        answer = await stand.post({"op": "fgt", "s": visit, "i": "b-9"})

        assert answer.json() == {"ok": 1, "known": 1, "rc": "ab" * 16}

    async def test_closing_twice_is_harmless(self, stand):
        visit = (await stand.open())["s"]

        assert (await stand.post({"op": "close", "s": visit})).json() == {"ok": 1}
        assert (await stand.post({"op": "close", "s": visit})).json() == {"ok": 1, "dup": 1}


class TestBatch:
    async def test_answers_stand_in_the_order_asked_and_refusals_among_them(self, stand):
        visit = (await stand.open())["s"]
        frames = [
            {"op": "obs", "i": "1", "s": visit, "e": "seen", "ref": "lantern"},
            {"op": "obs", "i": "2", "s": visit, "e": "moonwalked"},
            {"op": "obs", "i": "3", "s": visit, "e": "seen", "gaze": [0, 1]},
            {"op": "ask", "i": "4", "s": "1.forged", "k": "rec"},
            {"op": "open", "i": "5", "v": "somebody"},
            {"op": "close", "s": visit},
        ]

        answer = await stand.post({"max": 4000, "b": frames})

        assert answer.status_code == 200
        first, unknown, body, forged, opened, nameless = answer.json()["b"]
        assert first == {"i": "1", "ok": 1}
        assert unknown["err"]["code"] == "UNKNOWN_EVENT"
        assert (body["i"], body["err"]["code"], body["err"]["field"]) == ("3", "BODY_SIGNAL_REFUSED", "gaze")
        assert forged["err"]["code"] == "VISIT_UNKNOWN"
        assert opened["i"] == "5"
        assert "s" in opened
        assert (nameless["err"]["code"], nameless["err"]["field"]) == ("INVALID_ARGUMENT", "i")

    async def test_the_frames_of_a_visit_are_carried_out_in_order(self, stand):
        visit = (await stand.open())["s"]
        events = ["seen", "tried", "bought"] * 5

        await stand.post({"b": [{"op": "obs", "i": str(n), "s": visit, "e": e} for n, e in enumerate(events)]})

        assert [heard.event for heard in stand.core.of(pb.ObserveRequest)] == events

    async def test_what_does_not_fit_is_asked_for_again_and_changes_nothing(self, stand):
        visit = (await stand.open())["s"]
        left = [{"op": "ask", "i": str(number), "s": visit, "k": "rec"} for number in range(6)]
        answered = []
        while left:
            answer = await stand.post({"max": 400, "b": left})
            assert len(answer.content) <= 400
            got = answer.json()
            assert got["b"]
            answered += [each["i"] for each in got["b"]]
            left = left[len(got["b"]) :]
            assert ("more" in got) == bool(left)

        assert answered == ["0", "1", "2", "3", "4", "5"]

    async def test_the_smallest_batch_still_gets_through(self, stand):
        visit = (await stand.open())["s"]

        answer = await stand.post({"max": 160, "b": [{"op": "ask", "i": "1", "s": visit, "k": "rec"}]})

        assert len(answer.content) <= 160
        assert answer.json()["b"][0]["why"]


class TestForThemselves:
    async def test_see_shows_what_fits_and_hands_out_a_key(self, stand):
        visit = (await stand.open())["s"]
        seen = (await stand.post({"op": "see", "s": visit})).json()
        assert seen["inf"] == {"like": ["brass"]}
        proven = Proofs(stand.keyring, stand.clock).read(seen["key"], PERSON)
        [asked] = stand.profiles.heard
        assert proven.subject == asked.subject

    async def test_a_correction_is_an_interaction_and_a_repetition_has_its_name(self, stand):
        visit = (await stand.open())["s"]
        for _ in range(2):
            assert (
                await stand.post({"op": "cor", "i": "b-2", "s": visit, "ref": "brass", "says": "dislikes"})
            ).json() == {"ok": 1}
        _, told = await stand.published()
        assert [(each.kind, each.topics, each.value) for each in told] == [(19, ("brass",), 0.0)] * 2
        assert told[0].mid == told[1].mid

    async def test_remove_and_undo(self, stand):
        visit = (await stand.open())["s"]
        removed = (await stand.post({"op": "rm", "s": visit, "what": "offer", "ref": "lantern"})).json()
        assert removed == {"ok": 1, "undo": 10}
        undone = (await stand.post({"op": "rm", "s": visit, "what": "offer", "ref": "lantern", "undo": 1})).json()
        assert undone == {"ok": 1}
        first, second = stand.profiles.heard
        assert first.removal == second.removal
        assert (first.statement.method, second.within_ms) == ("frame", 10_000)

    async def test_remove_with_what_it_rested_on(self, stand):
        visit = (await stand.open())["s"]
        frame = {"op": "rm", "s": visit, "what": "offer", "ref": "lantern", "on": ["brass", "lamp-1"]}
        assert (await stand.post(frame)).json() == {"ok": 1, "undo": 10}
        assert list(stand.profiles.heard[0].removal.grounds) == ["brass", "lamp-1"]

    async def test_object(self, stand):
        visit = (await stand.open())["s"]
        assert (await stand.post({"op": "obj", "s": visit, "inf": ["likes", "ranking"]})).json() == {"ok": 1}
        assert list(stand.profiles.heard[0].inferences) == ["likes", "ranking"]

    async def test_declare_a_relationship_and_take_it_back(self, stand):
        visit = (await stand.open())["s"]
        assert (await stand.post({"op": "rel", "s": visit, "type": "fan"})).json() == {"ok": 1, "rel": "affection"}
        assert (await stand.post({"op": "rel", "s": visit})).json() == {"ok": 1}
        assert [each.type for each in stand.profiles.heard] == ["fan", ""]

    async def test_a_visit_of_somebody_else_proves_nothing(self, stand):
        refused = (await stand.post({"op": "see", "s": "1.AAAA"})).json()
        assert refused["err"]["code"] == "VISIT_UNKNOWN"
        assert stand.profiles.heard == []

    async def test_what_is_not_in_the_contract_is_named(self, stand):
        visit = (await stand.open())["s"]
        for frame, field in (
            ({"op": "rm", "s": visit, "what": "all"}, "what"),
            ({"op": "rm", "s": visit, "what": "offer", "ref": "x", "on": ["a"] * 4}, "on"),
            ({"op": "cor", "s": visit, "ref": "brass", "says": "maybe"}, "says"),
            ({"op": "obj", "s": visit, "inf": ["income"]}, "inf"),
            ({"op": "rel", "s": visit, "type": "best friend"}, "type"),
        ):
            refused = (await stand.post(frame)).json()["err"]
            assert (refused["code"], refused["field"]) == ("INVALID_ARGUMENT", field)

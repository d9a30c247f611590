import pytest

from kit.errors import UnavailableError
from services.profile.domain import COLLECT, REMEMBER, RESEARCH, Kind
from services.profile.domain.errors import FencedError, StreamRecreatedError, TooManyDeadLettersError
from services.profile.repository import books as accounts
from services.profile.repository import facets, ledger
from tests.integration.profile.door import BRAND, SHOP, eid, rejected

DAY_MS = 86_400_000


class TestFolding:
    async def test_events_of_who_agreed_become_traits(self, room):
        await room.grant()
        await room.fold(room.door.message(room.door.event(kind=Kind.BOUGHT), room.door.event(kind=Kind.SEEN)))
        traits = await room.traits()
        assert {kind: tally.count for kind, tally in traits.kinds.items()} == {Kind.BOUGHT: 1, Kind.SEEN: 1}
        assert await room.books() == {"received": 2, "stored": 2}

    async def test_folding_goes_on_where_it_was(self, room):
        await room.grant()
        for _ in range(3):
            await room.fold(room.door.message(room.door.event()))
        assert (await room.traits()).kinds[Kind.SEEN].count == 3

    async def test_interactions_are_kept_sealed(self, room):
        await room.grant()
        await room.fold(room.door.message(room.door.event(item="rare-teapot")))
        (facet,) = await room.rows("SELECT body FROM facets")
        (block,) = await room.rows("SELECT body, events FROM interaction_blocks")
        assert block["events"] == 1
        assert b"rare-teapot" not in facet["body"] + block["body"]

    async def test_no_edge_pseudonym_reaches_the_profile_database(self, room):
        await room.grant()
        await room.fold(room.door.message(room.door.event(), room.door.event("stranger")))
        for table in ("facets", "interaction_blocks", "message_ids", "books", "quarantine", "dead_letters", "outbox"):
            for row in await room.rows(f"SELECT t::text AS row FROM {table} t"):
                assert eid("ada").hex() not in row["row"]

    async def test_a_redelivered_message_changes_nothing(self, room):
        await room.grant()
        message = room.door.message(room.door.event())
        await room.fold(message)
        before = await room.traits()
        await room.fold(message)
        assert await room.traits() == before
        assert await room.books() == {"received": 1, "stored": 1}

    async def test_a_batch_published_twice_counts_once(self, room):
        await room.grant()
        message = room.door.message(room.door.event())
        await room.fold(message, room.door.again(message))
        await room.fold(room.door.again(message))
        assert await room.books() == {"received": 1, "stored": 1}


class TestDuplicates:
    async def test_within_one_batch(self, room):
        await room.grant()
        event = room.door.event()
        await room.fold(room.door.message(event, event))
        assert await room.books() == {"received": 2, "stored": 1, "duplicate": 1}

    async def test_across_batches(self, room):
        await room.grant()
        event = room.door.event()
        await room.fold(room.door.message(event))
        await room.fold(room.door.message(event, room.door.event()))
        assert await room.books() == {"received": 3, "stored": 2, "duplicate": 1}

    async def test_across_midnight(self, room, clock):
        await room.grant()
        event = room.door.event()
        clock.ms = (clock.ms // DAY_MS + 1) * DAY_MS - 500
        await room.fold(room.door.message(event))
        clock.ms += 1000
        await room.fold(room.door.message(event))
        assert await room.books() == {"received": 2, "stored": 1, "duplicate": 1}
        assert len(await room.rows("SELECT DISTINCT day FROM batches")) == 2


class TestConsent:
    async def test_without_consent_events_are_suppressed_and_gone(self, room):
        await room.fold(room.door.message(room.door.event(), room.door.event("bob")))
        assert await room.books() == {"received": 2, "suppressed": 2}
        assert await room.vault_rows("SELECT * FROM bindings") == []
        assert await room.rows("SELECT * FROM message_ids") == []

    async def test_a_binding_without_the_purpose_is_suppressed(self, room):
        await room.grant("ada", "personalise.world")
        await room.fold(room.door.message(room.door.event()))
        assert await room.books() == {"received": 1, "suppressed": 1}

    async def test_after_a_withdrawal_nothing_is_folded_and_a_later_grant_shows_what_was(self, room, clock):
        await room.grant()
        await room.fold(room.door.message(room.door.event()))
        clock.ms += 1
        await room.withdraw()
        await room.fold(room.door.message(room.door.event()))
        clock.ms += 1
        await room.grant()
        await room.fold(room.door.message(room.door.event()))
        assert await room.books() == {"received": 3, "stored": 2, "suppressed": 1}
        assert (await room.traits()).kinds[Kind.SEEN].count == 2

    async def test_preferences_of_the_event_itself_make_the_persona(self, room):
        await room.fold(room.door.message(room.door.event(granted=(COLLECT,)), room.door.event()))
        assert await room.books() == {"received": 2, "stored": 2}

    async def test_preferences_that_refuse_take_back(self, room, clock):
        await room.grant()
        clock.ms += 2000
        await room.fold(room.door.message(room.door.event(withdrawn=(COLLECT,))))
        assert await room.books() == {"received": 1, "suppressed": 1}

    async def test_an_echo_of_old_preferences_does_not_undo_a_withdrawal(self, room, clock):
        await room.fold(room.door.message(room.door.event(granted=(COLLECT,))))
        clock.ms += 1
        await room.withdraw()
        clock.ms += 5000
        await room.fold(room.door.message(room.door.event(granted=(COLLECT,))))
        assert await room.books() == {"received": 2, "stored": 1, "suppressed": 1}

    async def test_preferences_changed_and_changed_back_are_heard(self, room, clock):
        for said in ({"granted": (COLLECT,)}, {"withdrawn": (COLLECT,)}, {"granted": (COLLECT,)}):
            clock.ms += 5000
            await room.fold(room.door.message(room.door.event(**said)))
        assert await room.books() == {"received": 3, "stored": 2, "suppressed": 1}

    async def test_an_older_refusal_does_not_win(self, room, clock):
        await room.grant()
        old = room.door.event(withdrawn=(COLLECT,), at_ms=clock.ms - 3_600_000)
        await room.fold(room.door.message(old))
        assert await room.books() == {"received": 1, "stored": 1}

    async def test_refusing_what_nobody_granted_makes_no_persona(self, room):
        await room.fold(room.door.message(room.door.event(withdrawn=(COLLECT, "share.brand_profile"))))
        assert await room.books() == {"received": 1, "suppressed": 1}
        assert await room.vault_rows("SELECT * FROM bindings") == []

    async def test_a_purpose_that_does_not_exist_silences_no_other(self, room):
        await room.fold(room.door.message(room.door.event(granted=("no.such", COLLECT))))
        assert await room.books() == {"received": 1, "stored": 1}

    async def test_first_grants_of_many_are_told_in_one_call_a_kind(self, room, monkeypatch):
        told = []
        grant_many = room.stores.consent.grant_many

        async def counting(grants, audience, purposes, statement):
            told.append((len(grants), tuple(purposes)))
            await grant_many(grants, audience, purposes, statement)

        monkeypatch.setattr(room.stores.consent, "grant_many", counting)
        both = [room.door.event(f"newcomer {number}", granted=(COLLECT, RESEARCH)) for number in range(30)]
        one = [room.door.event(f"guest {number}", granted=(COLLECT,)) for number in range(10)]
        await room.fold(room.door.message(*both, *one))
        assert sorted(told) == [(10, (COLLECT,)), (30, (COLLECT, RESEARCH))]
        assert await room.books() == {"received": 40, "stored": 40}

    async def test_an_unreachable_truth_folds_nothing_and_loses_nothing(self, room, monkeypatch):
        await room.grant()
        message = room.door.message(room.door.event())

        async def unreachable(*_):
            raise UnavailableError

        with monkeypatch.context() as patch:
            patch.setattr("services.profile.clients.ConsentClient.check_many", unreachable)
            with pytest.raises(UnavailableError):
                await room.fold(message)
        assert await room.books() == {}
        await room.fold(message)
        assert await room.books() == {"received": 1, "stored": 1}


class TestWords:
    FAN = (-8, -4, -8, 8, -8)

    async def test_what_a_text_said_is_folded_where_words_may_count(self, room):
        await room.grant("ada", COLLECT, REMEMBER)
        await room.grant("bob", COLLECT)
        said = [room.door.event(name, Kind.PRAISED, stances=self.FAN) for name in ("ada", "bob")]
        await room.fold(room.door.message(*said))
        ada, bob = [await room.traits(name) for name in ("ada", "bob")]
        assert [each.stances for each in ada.heard] == [self.FAN]
        assert (bob.heard, len(bob.last)) == ([], 1)

    async def test_what_no_door_says_is_set_aside(self, room):
        poison = room.door.message(room.door.event(kind=Kind.PRAISED, stances=(9, 9, 9, 9, 9)))
        assert poison.reason == "MALFORMED"


class TestSettingAside:
    async def test_what_a_door_refused_is_quarantined_once(self, room):
        refused = rejected()
        await room.fold(room.door.message(rejected=[refused]))
        await room.fold(room.door.message(rejected=[refused, rejected()]))
        assert await room.books() == {"received": 3, "quarantined": 2, "duplicate": 1}
        assert len(await room.rows("SELECT * FROM quarantine WHERE reason = 'malformed' AND field = 'timestamp'")) == 2

    @pytest.mark.parametrize(
        ("facts", "reason"),
        [
            ({"epoch_key_id": "4711"}, "KEY_MISSING"),
            ({"ciphertext": b"x" * 40}, "UNSEALABLE"),
            ({"partition": 3}, "MISPLACED"),
            ({"brand": "elm"}, "MISPLACED"),
            ({"counts": []}, "COUNTS_DISAGREE"),
            ({"sealed_at_ms": 1}, "MALFORMED"),
        ],
    )
    async def test_poison_goes_to_the_dead_letters_and_the_rest_is_folded(self, room, facts, reason):
        await room.grant()
        poison = room.door.message(room.door.event(), **facts)
        await room.fold(poison, room.door.message(room.door.event()))
        assert [row["reason"] for row in await room.rows("SELECT reason FROM dead_letters")] == [reason]
        assert (await room.books())["stored"] == 1

    async def test_what_is_no_envelope_is_a_dead_letter(self, room):
        from services.profile import messages

        await room.fold(messages.open_message(room.door.partition, 1, b"\xff\xff", room.door.epochs))
        assert [row["payload"] for row in await room.rows("SELECT payload FROM dead_letters")] == [b"\xff\xff"]

    async def test_too_many_dead_letters_stop_the_folder_and_keep_nothing(self, room):
        poison = [room.door.message(room.door.event(), partition=9) for _ in range(4)]
        with pytest.raises(TooManyDeadLettersError, match="MISPLACED"):
            await room.fold(*poison)
        assert await room.rows("SELECT * FROM dead_letters") == []
        assert await room.books() == {}


class TestOneTransaction:
    @pytest.mark.parametrize(
        ("where", "name"),
        [
            (ledger, "claim_messages"),
            (facets, "load"),
            (facets, "keep"),
            (accounts, "close"),
        ],
    )
    async def test_a_failure_at_any_step_leaves_nothing_and_the_repetition_everything(
        self, room, monkeypatch, where, name
    ):
        await room.grant("ada", COLLECT, RESEARCH)
        message = room.door.message(
            room.door.event("ada"), room.door.event("bob", granted=(COLLECT,)), rejected=[rejected()]
        )
        step = getattr(where, name)

        async def done_and_failed(*arguments):
            await step(*arguments)
            raise UnavailableError

        with monkeypatch.context() as patch:
            patch.setattr(where, name, done_and_failed)
            with pytest.raises(UnavailableError):
                await room.fold(message)
        for table in ("message_ids", "facets", "interaction_blocks", "books", "batches", "quarantine", "outbox"):
            assert await room.rows(f"SELECT * FROM {table}") == []
        await room.fold(message)
        assert await room.books() == {"received": 3, "stored": 2, "quarantined": 1}

    async def test_a_zombie_is_fenced(self, room):
        await room.grant()
        zombie = await room.own()
        owner = await room.own()
        message = room.door.message(room.door.event())
        with pytest.raises(FencedError):
            await room.fold(message, owner=zombie)
        await room.fold(message, owner=owner)
        assert await room.books() == {"received": 1, "stored": 1}

    async def test_a_recreated_stream_stops_loudly_and_says_what_to_do(self, room):
        await room.grant()
        owner = await room.own("first")
        await room.fold(room.door.message(room.door.event()), owner=owner)
        await room.rows("UPDATE positions SET stream_created = 'restored' RETURNING 1")
        with pytest.raises(StreamRecreatedError, match="to begin with the one there is"):
            await room.fold(room.door.message(room.door.event()), owner=owner)


class TestLessons:
    async def test_only_those_who_allow_research_teach(self, room):
        from contracts.profile.v1.events_pb2 import InteractionsFolded, Lessons
        from contracts.profile.v1.lessons import associated_data
        from kit.sealing import open_sealed

        await room.grant("ada", COLLECT, RESEARCH)
        await room.grant("bob", COLLECT)
        await room.fold(room.door.message(room.door.event("ada", item="tea"), room.door.event("bob", item="gin")))
        await room.fold(room.door.message(room.door.event("ada", Kind.BOUGHT, item="pot")))
        lessons = []
        for row in await room.rows("SELECT subject, payload FROM outbox ORDER BY id"):
            assert row["subject"] == f"profile.v1.folded.{BRAND}"
            folded = InteractionsFolded.FromString(row["payload"])
            key = room.door.epochs.opener(folded.epoch_key_id)
            opened = open_sealed(key, folded.nonce, folded.ciphertext, associated_data(folded.batch_id, BRAND))
            lessons += Lessons.FromString(opened).lessons
        assert [(list(each.before), [learnt.item for learnt in each.learnt]) for each in lessons] == [
            ([], ["tea"]),
            (["tea"], ["pot"]),
        ]
        assert lessons[1].learnt[0].weight == 1.0
        assert SHOP not in str(lessons)

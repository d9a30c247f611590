import asyncio
import re

import pytest

from contracts.consent.v1.consent_pb2 import Statement
from contracts.profile.v1 import profile_pb2 as contract
from contracts.profile.v1.events_pb2 import FacetsNamed
from kit.errors import RemoteError, UnavailableError
from kit.testing import eventually
from services.profile import messages
from services.profile.domain import COLLECT, ROUTINE, Kind, Persona
from services.profile.repository import facets, vault
from tests.integration.profile.door import BRAND, PARTITION, SHOP, rejected, subject_message

PERSONALISE, OFFER, REMEMBER = "personalise.world", "recommend.offer", "remember.conversation"


@pytest.fixture
def said(clock):
    def said():
        clock.ms += 1
        return Statement(stated_at_ms=clock.ms, method="rest")

    return said


def grant(*purposes, statement, name="ada"):
    return contract.GrantRequest(subject=subject_message(name), purposes=purposes, statement=statement)


def read(purpose=PERSONALISE, name="ada", **facts):
    return contract.ReadViewRequest(subject=subject_message(name), purpose=purpose, **facts)


class TestGrant:
    async def test_the_first_grant_makes_the_persona_and_later_ones_find_it(self, profile, room, said):
        first = await profile.Grant(grant(COLLECT, statement=said()))
        await profile.Grant(grant(PERSONALISE, statement=said()))
        assert [(record.purpose, record.state) for record in first.records] == [(COLLECT, "given")]
        assert len(await room.vault_rows("SELECT * FROM personas")) == 1

    async def test_grants_at_once_make_one_persona(self, profile, room, said):
        await asyncio.gather(*(profile.Grant(grant(COLLECT, statement=said())) for _ in range(8)))
        assert len(await room.vault_rows("SELECT * FROM personas")) == 1

    async def test_the_refusal_of_the_truth_crosses(self, profile, said):
        with pytest.raises(RemoteError) as refused:
            await profile.Grant(grant("no.such", statement=said()))
        assert refused.value.reason == "UNKNOWN_PURPOSE"

    @pytest.mark.parametrize(
        ("subject", "field"),
        [
            ({"brand": "Oak!"}, "subject.brand"),
            ({"audience": "shop"}, "subject.audience"),
            ({"eid": b"short"}, "subject.eid"),
        ],
    )
    async def test_a_malformed_subject_is_refused(self, profile, said, subject, field):
        request = grant(COLLECT, statement=said())
        for name, value in subject.items():
            setattr(request.subject, name, value)
        with pytest.raises(RemoteError) as refused:
            await profile.Grant(request)
        assert (refused.value.reason, refused.value.field) == ("INVALID_ARGUMENT", field)


class TestReadView:
    async def test_shows_what_was_folded(self, profile, room, said):
        await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
        event = room.door.event(kind=Kind.BOUGHT, topics=("drinks",))
        await room.fold(room.door.message(event, room.door.event(kind=Kind.WISHED, item="pot", topics=())))
        answer = await profile.ReadView(read(also_decide=[REMEMBER]))
        assert answer.view.likes == ["drinks"]
        assert [(wish.ref, list(wish.evidence)) for wish in answer.view.wishes] == [("pot", ["wished"])]
        assert [(kind.kind, kind.at_least) for kind in answer.view.kinds] == [("bought", 1), ("wished", 1)]
        assert re.fullmatch(r"1\.[0-9a-f]{32}", answer.view.handle)
        assert [(each.purpose, each.is_allowed, each.reason) for each in answer.decisions] == [
            (PERSONALISE, True, "GRANTED"),
            (REMEMBER, False, "NEVER_ASKED"),
        ]

    async def test_denied_and_unknown_look_alike(self, profile, said):
        await profile.Grant(grant(COLLECT, statement=said()))
        denied = await profile.ReadView(read())
        unknown = await profile.ReadView(read(name="nobody"))
        assert not denied.HasField("view")
        assert denied.decisions[0].reason == unknown.decisions[0].reason == "NEVER_ASKED"
        assert denied.HasField("view") == unknown.HasField("view")

    async def test_a_withdrawal_blinds_the_next_read(self, profile, said):
        await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
        request = contract.WithdrawRequest(subject=subject_message("ada"), purposes=[PERSONALISE], statement=said())
        answer = await profile.Withdraw(request)
        assert [record.state for record in answer.records] == ["withdrawn"]
        assert (await profile.ReadView(read())).decisions[0].reason == "WITHDRAWN"

    async def test_withdrawing_as_nobody_leaves_no_record(self, profile, room, said):
        answer = await profile.Withdraw(contract.WithdrawRequest(subject=subject_message("nobody"), statement=said()))
        assert list(answer.records) == []
        assert await room.vault_rows("SELECT * FROM bindings") == []

    async def test_no_pid_leaves_in_a_view(self, profile, room, said):
        await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
        answer = await profile.ReadView(read())
        (row,) = await room.vault_rows("SELECT pid FROM personas")
        assert row["pid"] not in answer.SerializeToString()
        assert row["pid"].hex() not in str(answer)

    async def test_a_handle_stays_and_differs_between_audiences(self, profile, said):
        handles = []
        for audience in (SHOP, SHOP, "world:oak-street"):
            subject = subject_message("ada", audience)
            await profile.Grant(contract.GrantRequest(subject=subject, purposes=[PERSONALISE], statement=said()))
            request = contract.ReadViewRequest(subject=subject, purpose=PERSONALISE)
            handles.append((await profile.ReadView(request)).view.handle)
        assert handles[0] == handles[1] != handles[2]


class TestPositions:
    async def test_a_read_waits_for_its_own_write(self, profile, room, said):
        await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
        message = room.door.message(room.door.event())
        reading = asyncio.create_task(
            profile.ReadView(read(min_positions=[contract.Position(partition=0, sequence=1)]))
        )
        await room.fold(message)
        assert [kind.kind for kind in (await reading).view.kinds] == ["seen"]

    async def test_a_position_out_of_reach_is_said_in_time(self, profile):
        with pytest.raises(RemoteError) as refused:
            await profile.ReadView(read(min_positions=[contract.Position(partition=0, sequence=99)]))
        assert refused.value.reason == "POSITION_NOT_REACHED"

    async def test_or_the_answer_says_how_far_it_is_behind(self, profile, room, said):
        await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
        await room.fold(room.door.message(room.door.event()))
        asked = [contract.Position(partition=0, sequence=4), contract.Position(partition=2, sequence=3)]
        answer = await profile.ReadView(read(min_positions=asked, may_be_stale=True))
        assert [kind.kind for kind in answer.view.kinds] == ["seen"]
        assert [(lag.partition, lag.messages) for lag in answer.behind] == [(0, 3), (2, 3)]
        assert [lag.complete_until_ms > 0 for lag in answer.behind] == [True, False]

    async def test_a_position_is_one_of_its_class(self, profile, room, said):
        await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
        await room.fold(room.door.message(room.door.event()))
        asked = [contract.Position(partition=0, sequence=1, durability_class=each) for each in (0, 1, 2)]
        answer = await profile.ReadView(read(min_positions=asked, may_be_stale=True))
        assert [(lag.partition, lag.durability_class, lag.messages) for lag in answer.behind] == [(0, 1, 1)]

    async def test_a_position_of_no_class_is_refused(self, profile):
        with pytest.raises(RemoteError) as refused:
            await profile.ReadView(read(min_positions=[contract.Position(sequence=1, durability_class=3)]))
        assert (refused.value.reason, refused.value.field, refused.value.limit) == (
            "INVALID_ARGUMENT",
            "min_positions.durability_class",
            "1 or 2",
        )


class TestReadPersona:
    async def test_a_memory_key_only_to_remember_with(self, profile, said):
        request = contract.ReadPersonaRequest(
            subject=subject_message("ada"), purpose=PERSONALISE, also_decide=[REMEMBER]
        )
        await profile.Grant(grant(PERSONALISE, statement=said()))
        without = await profile.ReadPersona(request)
        await profile.Grant(grant(REMEMBER, statement=said()))
        allowed = await profile.ReadPersona(request)
        again = await profile.ReadPersona(request)
        assert without.memory_key == b""
        assert len(allowed.memory_key) == 32
        assert allowed.memory_key == again.memory_key
        assert len(allowed.persona.pid) == 16

    async def test_nobody_is_no_persona(self, profile):
        answer = await profile.ReadPersona(
            contract.ReadPersonaRequest(subject=subject_message("x"), purpose=PERSONALISE)
        )
        assert not answer.HasField("persona")
        assert answer.decisions[0].reason == "NEVER_ASKED"

    async def test_signals_in_the_same_breath_only_under_their_own_purpose(self, profile, room, said):
        request = contract.ReadPersonaRequest(
            subject=subject_message("ada"),
            purpose=PERSONALISE,
            also_decide=[OFFER],
            without_view=True,
            with_signals=True,
        )
        await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
        await room.fold(room.door.message(room.door.event(kind=Kind.BOUGHT, item="tea", at_ms=1_000)))
        denied = await profile.ReadPersona(request)
        await profile.Grant(grant(OFFER, statement=said()))
        allowed = await profile.ReadPersona(request)
        request.ClearField("also_decide")
        undecided = await profile.ReadPersona(request)
        assert (list(denied.signals), list(denied.likes)) == ([], [])
        assert [(each.item, each.at_ms, each.weight) for each in allowed.signals] == [("tea", 1000, 1)]
        assert list(undecided.signals) == []
        assert not any(answer.HasField("view") for answer in (denied, allowed, undecided))


@pytest.fixture
def request_():
    return contract.ReadPersonaRequest(subject=subject_message("ada"), purpose=PERSONALISE)


@pytest.fixture
async def read_once(profile, room, said, request_):
    await profile.Grant(grant(COLLECT, PERSONALISE, statement=said()))
    await room.fold(room.door.message(room.door.event(kind=Kind.BOUGHT)))
    return await profile.ReadPersona(request_)


class TestReadingAgain:
    async def test_a_moment_later_no_database_is_asked(self, profile, read_once, request_, monkeypatch):
        async def away(*_):
            raise UnavailableError

        monkeypatch.setattr(facets, "load", away)
        monkeypatch.setattr(vault, "find", away)
        assert await profile.ReadPersona(request_) == read_once

    async def test_after_a_withdrawal_nothing_of_it_is_read(self, profile, read_once, request_, said):
        assert read_once.HasField("view")
        await profile.Withdraw(
            contract.WithdrawRequest(subject=subject_message("ada"), purposes=[PERSONALISE], statement=said())
        )
        again = await profile.ReadPersona(request_)
        assert not again.HasField("view")
        assert not again.decisions[0].is_allowed

    async def test_a_hint_makes_it_read_anew(self, profile, room, read_once, request_, nats):
        await room.fold(room.door.message(*(room.door.event(kind=Kind.SEEN) for _ in range(4))))
        hint = messages.hint(PARTITION, 1, [read_once.persona.pid])
        await nats.publish(messages.changed_subject(BRAND), hint)

        async def has_grown():
            answer = await profile.ReadPersona(request_)
            return answer.view != read_once.view

        await eventually(has_grown)


class TestFenceNames:
    async def test_a_persona_by_itself_has_one_and_the_sequence_it_was_read_at(
        self, profile, read_once, request_, said
    ):
        found = await profile.ReadPersona(request_)
        assert (len(found.fence_name), found.fence_name == found.persona.pid) == (16, False)
        assert found.read_at >= found.decisions[0].sequence > 0

    async def test_nobody_has_none(self, profile, request_):
        nobody = contract.ReadPersonaRequest(subject=subject_message("eve"), purpose=PERSONALISE)
        assert not (await profile.ReadPersona(nobody)).fence_name

    async def test_hints_are_handed_on_by_name(self, profile, read_once, request_, nats):
        found = await profile.ReadPersona(request_)
        named = await nats.subscribe(messages.named_subject(BRAND))
        for subject, hint in (
            (messages.changed_subject(BRAND), messages.hint(PARTITION, 1, [found.persona.pid])),
            (messages.erased_subject(BRAND), messages.erased([found.persona.pid])),
        ):
            await nats.publish(subject, hint)
            heard = await named.next_msg(timeout=5)
            assert FacetsNamed.FromString(heard.data).names == [found.fence_name]


class TestGrantedAMomentAgo:
    async def test_what_every_encounter_asks_is_answered_without_the_truth(self, profile, room, said):
        async def is_held():
            # Again where the machine let the lease run out meanwhile.
            await profile.Grant(grant(PERSONALISE, statement=said()))
            [row] = await room.vault_rows("SELECT pid, shard FROM personas")
            held = room.stores.decisions.held(Persona(BRAND, row["shard"], row["pid"]), SHOP, ROUTINE)
            return [each.is_allowed for each in held or ()] == [True, False, False, False]

        await eventually(is_held)


class TestReadSignals:
    async def test_recent_items_oldest_first_under_their_purpose(self, profile, room, said):
        request = contract.ReadSignalsRequest(subject=subject_message("ada"))
        await profile.Grant(grant(COLLECT, statement=said()))
        early = room.door.event(kind=Kind.BOUGHT, item="tea", at_ms=1_000)
        await room.fold(room.door.message(room.door.event(kind=Kind.REMOVED, item="gin", at_ms=2_000), early))
        denied = await profile.ReadSignals(request)
        await profile.Grant(grant(OFFER, statement=said()))
        allowed = await profile.ReadSignals(request)
        assert (denied.decision.is_allowed, list(denied.signals), list(denied.likes)) == (False, [], [])
        assert [(each.item, each.at_ms, each.weight) for each in allowed.signals] == [
            ("tea", 1000, 1),
            ("gin", 2000, -1),
        ]


class TestGetBooks:
    async def test_what_waits_on_the_stream_is_pending(self, profile, room, nats, said):
        await profile.Grant(grant(COLLECT, statement=said()))
        js = nats.jetstream()
        for events in ([room.door.event()], [room.door.event("bob"), room.door.event()]):
            await js.publish("interaction.v1.received.oak.0", room.door.envelope(events))
        await js.publish("interaction.v1.received.oak.0", room.door.envelope([], [rejected()]))
        room.door.sequence = 0
        await room.fold(room.door.message(room.door.event()))
        (line,) = (await profile.GetBooks(contract.GetBooksRequest(brand=BRAND))).lines
        assert (line.source, line.received, line.stored, line.pending) == (SHOP, 4, 1, 3)
        assert line.hour_ms % 3_600_000 == 0

    async def test_facets_are_counted(self, profile, room, said):
        await profile.Grant(grant(COLLECT, statement=said()))
        await room.fold(room.door.message(room.door.event()))
        assert (await profile.CountFacets(contract.CountFacetsRequest(brand=BRAND))).facets == 1
        assert (await profile.CountFacets(contract.CountFacetsRequest(brand="elm"))).facets == 0

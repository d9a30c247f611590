import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_adapter.answers import Limits, Moment, advised, consented, limits_for, noted, opened, refused
from avatar_adapter.cutting import first_fitting
from avatar_adapter.domain import LEAST_ANSWER_BYTES, Visit, World
from contracts.avatar.v1.avatar_pb2 import Action, AskResponse, SpeakGrant
from contracts.consent.v1.consent_pb2 import ConsentRecord
from kit.errors import ExhaustedError, InvalidArgumentError

from .test_views import NOW_MS, known

LIMITS = Limits(rps=2000, batch=16)
# As long as one is for an avatar whose name takes a dozen letters.
TOKEN = "12." + "x" * 100
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=600)


def moment(answer_bytes=4096, say=500):
    return Moment(Visit(b"v" * 16, b"e" * 16, "ada", 0, answer_bytes, say), NOW_MS)


def action(say="Good day.", why=("You looked at lamps.",), act="show"):
    return Action(
        act=act, ref="r" * 24, item="i" * 64, say=say, why=list(why), quiet_s=120, expires_at_ms=NOW_MS + 300_000
    )


class TestOpened:
    def test_an_answer_has_visit_persona_grants_action_limits_and_line(self):
        grants = [SpeakGrant(kind="greet", expires_at_ms=NOW_MS + 120_000)]
        answer = known(
            grants=grants, next=Action(act="say", say="Good day."), ai_line="Ada is an AI guide.", is_repeat=True
        )

        full = next(opened(answer, TOKEN, LIMITS, moment()))

        assert set(full) == {"s", "p", "g", "n", "lim", "ai", "dup"}
        assert full["g"] == {"greet": 120}
        assert full["n"] == {"act": "say", "say": "Good day."}
        assert full["lim"] == {"rps": 2000, "batch": 16}

    @given(
        texts,
        texts,
        st.lists(texts, max_size=4),
        st.integers(min_value=LEAST_ANSWER_BYTES, max_value=5000),
        st.integers(min_value=16, max_value=1000),
    )
    def test_an_answer_never_exceeds_what_the_world_can_take(self, say, ai_line, why, room, characters):
        grants = [SpeakGrant(kind=kind, expires_at_ms=NOW_MS + 120_000) for kind in ("greet", "suggest")]
        answer = known(grants=grants, next=action(say, why), ai_line=ai_line, is_repeat=True)

        encoded = first_fitting(opened(answer, TOKEN, LIMITS, moment(room, characters)), room)

        assert encoded is not None
        assert len(encoded) <= room
        shown = msgspec.json.decode(encoded)
        assert shown["s"] == TOKEN
        assert "ai" in shown
        assert len(shown.get("n", {}).get("say", "")) <= characters

    def test_more_room_never_shows_less_of_a_persona(self):
        answer = known(next=action(), ai_line="Ada is an AI guide.")
        shown = []
        for room in range(LEAST_ANSWER_BYTES, 2000, 10):
            encoded = first_fitting(opened(answer, TOKEN, LIMITS, moment(room)), room)
            shown.append(len(msgspec.json.encode(msgspec.json.decode(encoded)["p"])))

        assert shown == sorted(shown)


class TestAdvised:
    def test_an_answer_tells_what_why_and_how_long(self):
        full = next(advised(AskResponse(action=action()), moment()))

        assert full == {
            "act": "show",
            "ref": "r" * 24,
            "item": "i" * 64,
            "quiet": 120,
            "exp": 300,
            "say": "Good day.",
            "why": ["You looked at lamps."],
        }

    def test_what_an_offer_rests_on_is_told_where_there_is_room(self):
        shown = action()
        shown.grounds.extend(["lamps", "brass-1"])
        whole, shorter, *_ = advised(AskResponse(action=shown), moment())

        assert whole["on"] == ["lamps", "brass-1"]
        assert shorter == {key: value for key, value in whole.items() if key != "on"}

    @given(texts, st.lists(texts.filter(bool), min_size=1, max_size=4), st.integers(min_value=200, max_value=3000))
    def test_a_suggestion_keeps_a_reason_however_it_is_cut(self, say, why, room):
        encoded = first_fitting(advised(AskResponse(action=action(say, why)), moment()), room)

        assert encoded is not None
        assert len(msgspec.json.decode(encoded)["why"]) >= 1

    def test_a_line_is_cut_to_what_the_world_can_show(self):
        full = next(advised(AskResponse(action=action("word " * 100)), moment(say=144)))

        assert len(full["say"]) <= 144


class TestOthers:
    def test_an_expired_grant_has_no_time_left(self):
        grants = [SpeakGrant(kind="suggest", expires_at_ms=NOW_MS - 1)]

        assert next(noted(grants, is_repeat=False, now_ms=NOW_MS)) == {"ok": 1, "g": {"suggest": 0}}

    def test_consents_are_told_by_purpose(self):
        records = [ConsentRecord(purpose="personalise.world", state="given")]

        assert next(consented(records)) == {"ok": 1, "con": {"personalise.world": "given"}}

    def test_a_refusal_says_code_message_field_and_limit(self):
        error = InvalidArgumentError("too long", field="q", limit="500")

        assert next(refused(error)) == {
            "err": {"code": "INVALID_ARGUMENT", "message": "too long", "field": "q", "limit": "500"}
        }

    def test_a_refusal_that_time_heals_says_how_much(self):
        assert next(refused(ExhaustedError("slow down", retry_after_s=2)))["err"]["retry"] == 2

    @pytest.mark.parametrize(("is_linden_script", "rps"), [(False, 2000), (True, 1)])
    def test_a_scripted_object_is_told_its_own_pace(self, is_linden_script, rps):
        world = World("oak", "lab", is_linden_script=is_linden_script)

        assert limits_for(world, 2000, 16) == Limits(rps, 16)

import msgspec
import pytest

from avatar_adapter.again import Again
from avatar_adapter.answers import Limits, Moment
from avatar_adapter.cutting import encode, first_fitting
from avatar_adapter.domain import Visit
from contracts.avatar.v1 import avatar_pb2 as pb
from contracts.common.v1.subject_pb2 import PurposeDecision
from contracts.profile.v1.profile_pb2 import View

LIMITS = Limits(50, 16)
NOW_MS = 1_795_000_000_000
GREETINGS = ["Good evening, nice to see you in the street of oaks!", "Hello again."]


def visit(number: int = 0, answer_bytes: int = 4096, say_characters: int = 500) -> Visit:
    return Visit(bytes([number]) * 16, b"e" * 16, "ada", 0, answer_bytes, say_characters)


def told(**again) -> pb.OpenResponse:
    grants = [pb.SpeakGrant(kind="greet", expires_at_ms=NOW_MS - 5_000)] if again else []
    return pb.OpenResponse(
        view=View(handle="1." + "a" * 32, likes=["comedy", "drama"], channels=["web"]),
        decisions=[PurposeDecision(purpose="personalise.world", is_allowed=True)],
        grants=grants,
        next=pb.Action(act="say" if again else "wait", say="as it was", ref="b" * 16 if again else ""),
        ai_line="Ada is an AI guide.",
        again=pb.Again(**again),
    )


def shown(again: Again, at: Visit, token: str = "1.token") -> dict:
    fitting = first_fitting(again.candidates(token, LIMITS, Moment(at, NOW_MS)), at.answer_bytes)
    return msgspec.json.decode(fitting)


@pytest.fixture
def greeting():
    return told(greet_s=60, greetings=GREETINGS)


class TestAgain:
    @pytest.mark.parametrize("answer_bytes", [160, 200, 260, 320, 400, 4096])
    def test_what_was_encoded_before_is_what_would_be_encoded_now(self, greeting, answer_bytes):
        at, forms = visit(1, answer_bytes), {}
        first = shown(Again(greeting, forms, "0" * 16), at)
        second = shown(Again(greeting, forms, "1" * 16), at, "1.other")
        anew = shown(Again(greeting, {}, "1" * 16), at, "1.other")
        assert (second, first["s"]) == (anew, "1.token")
        assert len(forms) == 1

    def test_each_visit_has_a_token_a_ref_and_a_minute_of_its_own(self, greeting):
        forms = {}
        shown(Again(greeting, forms, "0" * 16), visit())
        again = shown(Again(greeting, forms, "1" * 16), visit(), "1.other")
        assert (again["s"], again["n"]["ref"]) == ("1.other", "1" * 16)
        assert (again["g"], again["n"]["exp"]) == ({"greet": 60}, 60)

    def test_visits_are_greeted_in_turn(self, greeting):
        forms = {}
        said = [shown(Again(greeting, forms, "0" * 16), visit(number))["n"]["say"] for number in (0, 1, 2)]
        assert said == [GREETINGS[0], GREETINGS[1], GREETINGS[0]]

    def test_whoever_is_not_greeted_is_told_the_rest(self):
        silent, forms = told(), {}
        first, second = (shown(Again(silent, forms, ref * 16), visit()) for ref in "01")
        assert (first, first["n"]["act"]) == (second, "wait")
        assert len(forms) == 1

    def test_in_a_batch_it_may_have_to_be_shorter(self, greeting):
        again, at = Again(greeting, {}, "0" * 16), visit()
        fullest, *rest = map(encode, again.candidates("1.token", LIMITS, Moment(at, NOW_MS)))
        assert fullest == rest[0]
        assert min(map(len, rest)) < len(fullest)

    def test_few_forms_are_kept(self, greeting):
        forms = {}
        for characters in range(20, 60):
            shown(Again(greeting, forms, "0" * 16), visit(say_characters=characters))
        assert len(forms) <= 4

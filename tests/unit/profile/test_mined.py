"""What is mined of a persona: no finer than a view, and the type from words alone."""

from players import pack as players
from relationships.pack import named_pack
from services.profile.choices import Choices, Declaration
from services.profile.domain import Kind
from services.profile.journey import UNKNOWN, Journey, load_journeys
from services.profile.mined import Packs, facts, mined, stages
from services.profile.traits import Heard, Recent, Tally, Traits
from services.profile.views import View, Wish

CORE = Packs(named_pack("core4"), load_journeys(), players.named_pack("hexad6"))
NOW = 1_000 * 86_400_000
WORDS = [Heard(NOW - each, bytes([each]) * 16, (-8, -4, -8, 8, -8)) for each in range(6)]


class TestMined:
    def test_the_type_is_that_of_words_or_declared(self):
        assert mined(CORE, Traits(heard=WORDS), Choices(), NOW).type == "fan"
        declared = Choices(declared=Declaration("ruler", "power", 1))
        assert mined(CORE, Traits(heard=WORDS), declared, NOW).type == "ruler"

    def test_deeds_make_no_type(self):
        bought = [Recent(NOW - each, bytes([each]) * 16, Kind.BOUGHT, "tea", 1000, ()) for each in range(100)]
        spoke = WORDS[:1]
        both = (
            mined(CORE, Traits(heard=spoke, last=bought), Choices(), NOW),
            mined(CORE, Traits(heard=spoke), Choices(), NOW),
        )
        assert both[0].type == both[1].type
        assert mined(CORE, Traits(last=bought), Choices(), NOW) is None

    def test_facts_are_those_of_the_view_in_whole_steps(self):
        told = View(
            likes=("jazz",),
            wishes=(Wish("tea", ("wished",)),),
            recency_periods=40,
            kinds=(("bought", 4),),
            channels=("web",),
            day_part="evening",
        )
        assert facts(told) == {
            "likes.jazz": 1,
            "wishes.tea": 1,
            "channel.web": 1,
            "day_part.evening": 1,
            "done.bought": 3,
            "recency_periods": 12,
        }

    def test_stages_are_steps_and_what_is_unknown_is_not_there(self):
        assert stages(Journey({}, "using", 0.99)) == {"journey.using": 1, "switching_risk": 5}
        assert stages(Journey({}, UNKNOWN, None)) == {}

    def test_who_objects_to_habits_is_compared_without_them(self):
        objecting = Choices(objections=("habits",))
        traits = Traits(heard=WORDS, kinds={int(Kind.BOUGHT): Tally(3, NOW - 9, NOW - 8, 0)})
        assert "switching_risk" in mined(CORE, traits, Choices(), NOW).traits
        assert mined(CORE, traits, objecting, NOW).traits == {"recency_periods": 0}

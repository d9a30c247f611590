import httpx
import pytest

from .luanti import door_of, until

pytestmark = pytest.mark.timeout(300)

OPENING_HOURS = "This street never closes"
GREETINGS = ("Hello!", "Welcome to Oak Street", "Good to see you again")
AI_LINE = "I am Ada, an AI guide."
LANTERN_PRICE = "39"


def greeted(visitor):
    return [line for line in visitor.told if any(greeting in line for greeting in GREETINGS)]


def allow(visitor, purposes="all"):
    visitor.say(f"/ada consent give {purposes}")
    visitor.hears("remember our talks" if purposes == "all" else "Yes: I may")


class TestAsking:
    def test_the_answer_is_private_and_says_that_an_ai_speaks(self, oak_street, visit):
        alice = visit(oak_street, "ask-alice")
        alice.say("/ask When do you open?")

        alice.hears(OPENING_HOURS)
        assert alice.told.index(AI_LINE) < alice.told.index(alice.hears(OPENING_HOURS))

    def test_her_name_and_a_comma_are_for_her_ears_only(self, oak_street, visit):
        bert, carla = visit(oak_street, "comma-bert"), visit(oak_street, "comma-carla")
        bert.say("Ada, what does the brass lantern cost?")

        assert LANTERN_PRICE in bert.hears("Brass lantern")
        carla.say("/ask When do you open?")
        carla.hears(OPENING_HOURS)
        assert not [line for line in carla.told if "lantern" in line]

    def test_two_visitors_do_not_see_each_others_answers(self, oak_street, visit):
        dora, emil = visit(oak_street, "two-dora"), visit(oak_street, "two-emil")
        dora.say("/ada price brass lantern")
        emil.say("/ask When do you open?")

        assert LANTERN_PRICE in dora.hears("Brass lantern")
        emil.hears(OPENING_HOURS)
        assert not [line for line in emil.told if "Brass lantern" in line]
        assert not [line for line in dora.told if OPENING_HOURS in line]


class TestGreeting:
    def test_without_a_grant_nobody_is_greeted(self, oak_street, visit):
        finn = visit(oak_street, "greet-finn")
        # The answer comes after that of the open, so a greeting would be here by then.
        finn.say("/ask When do you open?")
        finn.hears(OPENING_HOURS)

        assert greeted(finn) == []

    def test_with_a_grant_the_visitor_is_greeted_once(self, oak_street, visit):
        gina = visit(oak_street, "greet-gina")
        allow(gina)
        gina.rejoin()

        gina.hears("Ada:")
        gina.say("/ask When do you open?")
        gina.hears(OPENING_HOURS)
        assert len(greeted(gina)) == 1
        assert gina.told.index(AI_LINE) < gina.told.index(greeted(gina)[0])

    def test_after_a_withdrawal_the_avatar_is_silent_again(self, oak_street, visit):
        hugo = visit(oak_street, "greet-hugo")
        allow(hugo)
        hugo.say("/ada consent take all")
        hugo.hears("I no longer")
        hugo.rejoin()

        hugo.say("/ask When do you open?")
        hugo.hears(OPENING_HOURS)
        assert greeted(hugo) == []


class TestWritingBack:
    def test_what_a_visitor_does_is_known_to_the_platform_under_a_pseudonym(self, stack, oak_street, visit):
        ida = visit(oak_street, "write-ida")
        allow(ida)
        ida.say("/try Brass lantern")
        ida.say("/take Brass lantern")
        ida.hears("Brass lantern: bought")

        kinds = seen_kinds(door_of(stack.endpoints), oak_street.pseudonym("write-ida"))

        assert kinds == {"tried": 1, "bought": 1}

    def test_how_a_visitor_played_is_told_when_they_leave(self, stack, oak_street, visit):
        lea = visit(oak_street, "play-lea")
        allow(lea)
        lea.say("/take Brass lantern")
        lea.hears("Brass lantern: bought")
        lea.disconnect()

        send = door_of(stack.endpoints)
        token = send({"op": "open", "v": oak_street.pseudonym("play-lea")})["s"]
        me = {"Authorization": f"Bearer {send({'op': 'see', 's': token})['key']}"}
        play = until(
            lambda: httpx.get(f"{stack.endpoints['gateway']}/v1/me", headers=me, timeout=10).json()["play"],
            30,
            "the world tells of no play",
        )

        assert play["model"] == "hexad6/1"
        # Seconds in a world tell next to nothing, and the intervals say so.
        assert all(score["least"] < 0.1 and score["most"] > 0.9 for score in play["dimensions"].values())

    def test_she_forgets_when_she_is_told_to(self, oak_street, visit):
        jan = visit(oak_street, "write-jan")
        allow(jan)
        jan.say("/ada forget me")

        assert "Receipt" in jan.hears("I have forgotten our talks")


class TestAdapterAway:
    def test_the_figure_is_silent_and_goes_on_when_it_is_back(self, street_of_its_own, own_adapter, visit):
        kim = visit(street_of_its_own, "away-kim")
        kim.say("/ask When do you open?")
        kim.hears(OPENING_HOURS)
        kim.told.clear()
        own_adapter.stop()

        kim.say("/ask When do you open?")
        kim.say("/take Brass lantern")
        kim.hears("Brass lantern: bought")
        assert kim.of_ada() == []
        assert not [line for line in kim.told if "rror" in line]

        own_adapter.start()
        kim.say("/ask Can I return it?")
        kim.hears("within 30 days")

    def test_a_full_queue_drops_looks_and_never_a_purchase(self, street_of_its_own, own_adapter, visit):
        lena = visit(street_of_its_own, "full-lena")
        allow(lena)
        own_adapter.stop()
        lena.say("/take Brass lantern")
        lena.say("/take Oak chair")
        for _ in range(20):
            lena.say("/see Clay teapot")
        lena.hears_often("Clay teapot: seen", 20)

        own_adapter.start()
        kinds = seen_kinds(own_adapter.door(), street_of_its_own.pseudonym("full-lena"))

        assert kinds["bought"] == 2
        assert 1 <= kinds["seen"] <= 4

    def test_a_purchase_outlives_a_restart_of_the_world(self, street_of_its_own, own_adapter, visit):
        mona = visit(street_of_its_own, "restart-mona")
        allow(mona)
        mona.say("/try Oak chair")
        mona.hears("Oak chair: tried")
        mona.say("/ask When do you open?")
        mona.hears(OPENING_HOURS)
        own_adapter.stop()
        mona.say("/take Oak chair")
        mona.hears("Oak chair: bought")
        mona.disconnect()
        street_of_its_own.stop()

        own_adapter.start()
        street_of_its_own.start()

        assert seen_kinds(own_adapter.door(), street_of_its_own.pseudonym("restart-mona")) == {"tried": 1, "bought": 1}


def seen_kinds(door, pseudonym):
    """What the platform has folded of a visitor, once there is something of both kinds."""

    def kinds():
        opened = door({"op": "open", "v": pseudonym})
        folded = opened["p"].get("kinds", {})
        return folded if len(folded) == 2 else None

    return until(kinds, 30, "it is not folded")

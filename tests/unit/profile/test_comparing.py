from contracts.interaction.v1.payload import Interaction
from services.profile.comparing import Tally, told
from services.profile.domain import Kind, Persona
from services.profile.traits import Traits, absorb
from services.profile.weights import load_weights

WEIGHTS = load_weights()
NOW = 10**12


def traits(*topics, kind=Kind.BOUGHT):
    made = Traits()
    history = [
        Interaction("app:shop", b"", bytes([at]), kind, NOW, "web", None, (each,)) for at, each in enumerate(topics)
    ]
    absorb(made, history, WEIGHTS)
    return made


def persona(number=1, shard=0):
    return Persona("oak", shard, bytes([number]) * 16)


class TestCheck:
    def test_the_parts_that_differ_are_named_and_nothing_of_them(self):
        tally = Tally()
        tally.check(persona(), traits("tea"), traits("tea"))
        tally.check(persona(2, shard=9), traits("tea"), traits("coffee"))
        tally.check(persona(3, shard=4), None, traits("tea"))
        assert (tally.matching, tally.differing) == (1, 2)
        assert (tally.first.shard, tally.first.parts) == (4, ("facet",))
        assert tally.first.facet not in (persona(3).pid.hex(), persona(3).pid.hex()[:12])

    def test_a_part_of_the_time_has_no_check(self):
        assert told(Tally(), is_whole=False)["check"] is None


class TestTold:
    def test_what_fewer_than_k_personas_did_is_not_told(self):
        tally = Tally(personas=30, facets=30, interactions=99, folded=99, withheld=1)
        for number in range(30):
            tally.compare(traits("tea"), traits("tea" if number < 25 else "rum"), NOW)
        answer = told(tally, is_whole=True, least=20)
        assert (answer["changed"]["any"], answer["changed"]["dislikes"], answer["withheld"]) == (None, 0, None)
        assert answer["gained"] == answer["lost"] == {"likes": {}, "dislikes": {}, "wishes": {}, "kinds": {}}
        assert (answer["personas"], answer["interactions"]) == (30, 99)

    def test_what_many_did_is_told_by_name(self):
        tally = Tally(personas=30)
        for _ in range(30):
            tally.compare(traits("tea"), traits("rum"), NOW)
        answer = told(tally, is_whole=True, least=20)
        assert (answer["gained"]["likes"], answer["lost"]["likes"]) == ({"rum": 30}, {"tea": 30})
        assert {aspect: count for aspect, count in answer["changed"].items() if count} == {"any": 30, "likes": 30}

    def test_of_few_personas_not_even_the_interactions_are_told(self):
        answer = told(Tally(personas=3, facets=3, interactions=7, folded=7), is_whole=True, least=20)
        assert [answer[name] for name in ("personas", "facets", "interactions", "folded")] == [None] * 4

    def test_sums_add_up_in_any_order(self):
        one, other = Tally(personas=1, matching=1), Tally(personas=2, differing=1)
        other.compare(traits("tea"), traits("rum"), NOW)
        other.check(persona(shard=5), None, traits("tea"))
        one.check(persona(shard=2), None, traits("tea"))
        both, reverse = Tally(), Tally()
        for each in (one, other):
            both.add(each)
        for each in (other, one):
            reverse.add(each)
        assert both == reverse
        assert both.first.shard == 2

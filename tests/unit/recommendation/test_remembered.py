from services.recommendation.domain import Keyed, Persona
from services.recommendation.remembered import Remembered
from services.recommendation.repository.decisions import HeldState


def keyed(number):
    return Keyed(Persona("oak", 1, bytes([number]) * 16), bytes(32))


def held(*circle, version=1):
    return {each.persona.pid: HeldState(b"state", version=version) for each in circle}


class TestRemembered:
    def test_a_circle_is_remembered_as_a_whole_or_not_at_all(self):
        remembered, one, two = Remembered(10), keyed(1), keyed(2)
        remembered.keep((one,), held(one))
        assert remembered.of((one,)) == held(one)
        assert remembered.of((one, two)) == {}
        remembered.keep((two,), {two.persona.pid: HeldState()})
        assert remembered.of((one, two)) == {**held(one), two.persona.pid: HeldState()}

    def test_what_was_decided_about_longest_ago_is_forgotten_first(self):
        remembered, many = Remembered(3), [keyed(number) for number in range(5)]
        for each in many[:3]:
            remembered.keep((each,), held(each))
        remembered.keep((many[0],), held(many[0], version=2))
        for each in many[3:]:
            remembered.keep((each,), held(each))
        assert [bool(remembered.of((each,))) for each in many] == [True, False, False, True, True]

    def test_what_is_forgotten_is_gone(self):
        remembered, one = Remembered(3), keyed(1)
        remembered.keep((one,), held(one))
        remembered.forget([one.persona, keyed(2).persona])
        assert remembered.of((one,)) == {}

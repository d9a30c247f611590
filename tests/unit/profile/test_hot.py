from services.profile.hot import Hot, Open
from services.profile.traits import Traits


class TestHot:
    def test_what_was_folded_longest_ago_goes_first(self):
        hot, ada, bob, eve = Hot(most_bytes=10), Traits(), Traits(), Traits()
        hot.keep({b"ada": Open(ada, 5), b"bob": Open(bob, 5)}, 0)
        hot.keep({b"ada": Open(ada, 5)}, 1)
        hot.keep({b"eve": Open(eve, 5)}, 2)
        assert hot.get(b"ada").traits is ada
        assert hot.get(b"eve").traits is eve
        assert hot.get(b"bob") is None

    def test_what_is_not_folded_any_more_does_not_stay(self):
        hot, ada = Hot(), Traits()
        hot.keep({b"ada": Open(ada, 5)}, 0)
        hot.keep({}, 59_999)
        assert hot.get(b"ada").traits is ada
        hot.keep({}, 60_000)
        assert hot.get(b"ada") is None

    def test_cleared_it_has_nothing_and_all_its_room(self):
        hot, ada, bob = Hot(most_bytes=10), Traits(), Traits()
        hot.keep({b"ada": Open(ada, 10)}, 0)
        hot.drop([b"ada", b"eve"])
        assert hot.get(b"ada") is None
        hot.keep({b"ada": Open(ada, 10)}, 0)
        hot.clear()
        assert hot.get(b"ada") is None
        hot.keep({b"ada": Open(ada, 5), b"bob": Open(bob, 5)}, 0)
        assert hot.get(b"ada").traits is ada

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar_adapter.domain import VISIT_S, VisitExpiredError, VisitUnknownError, World
from avatar_adapter.frames import Capabilities, Open
from avatar_adapter.visits import EDGE_FAMILY, Visits
from kit.keyring import FolderKeyRing
from kit.pseudonyms import derive, pseudonym

OAK = World("oak", "oak-street")
MAPLE = World("oak", "maple-square")
VISITOR = "UVHWxzs8pntXOKijBbqe6x"


class Clock:
    now = 1_795_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def visits(keyring, clock):
    keyring.create(EDGE_FAMILY)
    return Visits(keyring, default_avatar="ada", clock=clock, random_bytes=os.urandom)


class TestTurning:
    def test_a_visit_goes_on_under_the_version_that_opened_it(self, keyring, clock):
        keyring.create(EDGE_FAMILY)
        before, token = Visits(keyring, default_avatar="ada", clock=clock, random_bytes=os.urandom).open(
            OAK, Open(v=VISITOR)
        )
        keyring.create(EDGE_FAMILY)
        turned = Visits(keyring, default_avatar="ada", clock=clock, random_bytes=os.urandom)
        after, _ = turned.open(OAK, Open(v=VISITOR))
        assert (after.version, after.former) == (2, ((1, before.eid),))
        assert (turned.read(OAK, token).version, turned.read(OAK, token).eid) == (1, before.eid)
        keyring.retire(EDGE_FAMILY, "1")
        with pytest.raises(VisitUnknownError):
            turned.read(OAK, token)

    def test_a_frame_that_comes_again_after_the_turn_is_the_same(self, keyring, visits, clock):
        visit, token = visits.open(OAK, Open(v=VISITOR))
        before = visits.message_id(OAK, visit, "b-2")
        keyring.create(EDGE_FAMILY)
        turned = Visits(keyring, default_avatar="ada", clock=clock, random_bytes=os.urandom)
        assert turned.message_id(OAK, turned.read(OAK, token), "b-2") == before

    def test_a_stranger_was_nobody_before(self, keyring, visits):
        keyring.create(EDGE_FAMILY)
        assert visits.open(OAK, Open())[0].former == ()


class TestOpen:
    def test_the_same_frame_opens_the_same_visit(self, visits):
        first, _ = visits.open(OAK, Open(i="b-1", v=VISITOR))
        again, _ = visits.open(OAK, Open(i="b-1", v=VISITOR))

        assert again.id == first.id

    def test_frames_without_an_id_open_visits_of_their_own(self, visits):
        first, _ = visits.open(OAK, Open(v=VISITOR))
        again, _ = visits.open(OAK, Open(v=VISITOR))

        assert again.id != first.id
        assert again.eid == first.eid

    def test_another_visitor_avatar_or_world_makes_another_visit(self, visits):
        opened = [
            visits.open(OAK, Open(i="b-1", v=VISITOR))[0],
            visits.open(OAK, Open(i="b-1", v="somebody-else"))[0],
            visits.open(OAK, Open(i="b-1", v=VISITOR, a="bo"))[0],
            visits.open(MAPLE, Open(i="b-1", v=VISITOR))[0],
        ]

        assert len({visit.id for visit in opened}) == 4

    def test_a_visitor_has_nothing_in_common_with_itself_in_another_world(self, visits):
        here, _ = visits.open(OAK, Open(v=VISITOR))
        there, _ = visits.open(MAPLE, Open(v=VISITOR))

        assert here.eid != there.eid

    def test_the_visitor_is_the_user_of_the_worlds_own_audience(self, visits, keyring):
        visit, _ = visits.open(OAK, Open(v=f"  {VISITOR} "))

        edge = derive(keyring.current(EDGE_FAMILY).secret, "maskenball/edge/v1|world:oak-street")
        assert visit.eid == pseudonym(edge, f"u:{VISITOR}")

    def test_a_stranger_is_never_met_again_not_even_by_the_same_frame(self, visits):
        first, _ = visits.open(OAK, Open(i="dcl-1"))
        again, _ = visits.open(OAK, Open(i="dcl-1"))

        assert first.eid != again.eid
        assert first.id != again.id

    def test_a_scripted_object_gets_what_it_can_read(self, visits):
        visit, _ = visits.open(World("oak", "sl", is_linden_script=True), Open(v=VISITOR))

        assert visit.answer_bytes == 2048


class TestRead:
    def test_a_token_brings_the_visit_back(self, visits):
        visit, token = visits.open(OAK, Open(v=VISITOR, a="bo", cap=Capabilities(max=600, say=144)))

        assert visits.read(OAK, token) == visit

    def test_a_token_is_short_and_tells_nothing(self, visits):
        visit, token = visits.open(OAK, Open(v=VISITOR))
        raw = base64.urlsafe_b64decode(token.partition(".")[2] + "==")

        assert len(token) <= 100
        assert visit.id not in raw
        assert visit.eid not in raw
        assert VISITOR.encode() not in raw

    def test_an_old_token_is_expired(self, visits, clock):
        _, token = visits.open(OAK, Open(v=VISITOR))
        clock.now += VISIT_S

        with pytest.raises(VisitExpiredError):
            visits.read(OAK, token)

    def test_a_token_of_another_world_is_unknown(self, visits):
        _, token = visits.open(OAK, Open(v=VISITOR))

        with pytest.raises(VisitUnknownError):
            visits.read(MAPLE, token)

    def test_a_token_of_another_brand_is_unknown(self, visits):
        _, token = visits.open(OAK, Open(v=VISITOR))

        with pytest.raises(VisitUnknownError):
            visits.read(World("elm", "oak-street"), token)

    def test_a_changed_token_is_unknown(self, visits):
        _, token = visits.open(OAK, Open(v=VISITOR))
        changed = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]

        with pytest.raises(VisitUnknownError):
            visits.read(OAK, changed)

    def test_a_token_outlives_a_turn_of_the_edge_key(self, visits, keyring):
        visit, token = visits.open(OAK, Open(v=VISITOR))
        keyring.create(EDGE_FAMILY)

        assert visits.read(OAK, token) == visit

    def test_a_token_does_not_outlive_its_key(self, visits, keyring):
        _, token = visits.open(OAK, Open(v=VISITOR))
        version = keyring.current(EDGE_FAMILY).version
        keyring.create(EDGE_FAMILY)
        keyring.destroy(EDGE_FAMILY, version)

        with pytest.raises(VisitUnknownError):
            visits.read(OAK, token)

    @given(st.text(alphabet="ABCxyz019_.-", min_size=1, max_size=256))
    def test_whatever_is_not_a_token_is_unknown(self, token):
        with pytest.raises(VisitUnknownError):
            _visits().read(OAK, token)


class TestMessageId:
    def test_the_same_frame_has_the_same_name(self, visits):
        visit, _ = visits.open(OAK, Open(v=VISITOR))

        assert visits.message_id(OAK, visit, "b-2") == visits.message_id(OAK, visit, "b-2")
        assert visits.message_id(OAK, visit, "b-2") != visits.message_id(OAK, visit, "b-3")

    def test_a_frame_without_id_has_another_name_each_time(self, visits):
        visit, _ = visits.open(OAK, Open(v=VISITOR))

        assert visits.message_id(OAK, visit, "") != visits.message_id(OAK, visit, "")


_RING = []


def _visits():
    if not _RING:
        import tempfile
        from pathlib import Path

        folder = tempfile.TemporaryDirectory()
        ring = FolderKeyRing(Path(folder.name))
        ring.create(EDGE_FAMILY)
        _RING.extend([ring, folder])
    return Visits(_RING[0], default_avatar="ada", clock=Clock(), random_bytes=os.urandom)

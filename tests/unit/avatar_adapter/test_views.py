import msgspec
from hypothesis import given
from hypothesis import strategies as st

from avatar_adapter.views import FLAGS, SMALL, tiers
from contracts.avatar.v1.avatar_pb2 import Memory, OpenResponse
from contracts.common.v1.subject_pb2 import PurposeDecision
from contracts.profile.v1.profile_pb2 import KindCount, View, Wish

NOW_MS = 1_795_000_000_000
PURPOSES = ("personalise.world", "remember.conversation", "recommend.offer", "collect.behaviour")


def decisions(*allowed, reason="NEVER_ASKED"):
    return [
        PurposeDecision(
            purpose=purpose, is_allowed=purpose in allowed, reason="GRANTED" if purpose in allowed else reason
        )
        for purpose in PURPOSES
    ]


def known(**changes):
    view = View(
        handle="1." + "ab" * 16,
        likes=["drama", "comedy", "war"],
        dislikes=["horror"],
        wishes=[Wish(ref="lamp", evidence=["asked", "searched"])],
        recency_periods=2,
        kinds=[KindCount(kind="bought", at_least=4), KindCount(kind="seen", at_least=32)],
        channels=["world"],
        day_part="evening",
    )
    memory = Memory(last_met_at_ms=NOW_MS - 3 * 86_400_000, asked=["lamp"], tried=["chair"], dismissed=["kite"])
    return OpenResponse(**{"view": view, "memory": memory, "decisions": decisions(*PURPOSES)} | changes)


def size(shown):
    return len(msgspec.json.encode(shown))


class TestTiers:
    def test_the_first_shows_everything(self):
        full = next(tiers(known(), NOW_MS))

        assert full == {
            "f": "procm",
            "h": "1." + "ab" * 16,
            "likes": ["drama", "comedy", "war"],
            "dislikes": ["horror"],
            "wishes": [{"ref": "lamp", "ev": ["asked", "searched"]}],
            "kinds": {"bought": 4, "seen": 32},
            "ch": ["world"],
            "day": "evening",
            "ago30": 2,
            "mem": {"asked": ["lamp"], "tried": ["chair"], "dismissed": ["kite"], "days": 3},
        }

    def test_they_get_ever_shorter_down_to_flags(self):
        sizes = [size(shown) for shown in tiers(known(), NOW_MS)]

        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] <= FLAGS < sizes[0]
        assert any(FLAGS < each <= SMALL for each in sizes)

    def test_a_denied_view_is_flags_and_the_reason(self):
        denied = OpenResponse(decisions=decisions(reason="WITHDRAWN"))

        assert list(tiers(denied, NOW_MS)) == [{"f": "", "no": "WITHDRAWN"}]

    def test_memory_is_shown_where_the_view_is_denied(self):
        remembered = OpenResponse(memory=Memory(asked=["lamp"]), decisions=decisions("remember.conversation"))

        assert next(tiers(remembered, NOW_MS)) == {"f": "rm", "no": "NEVER_ASKED", "mem": {"asked": ["lamp"]}}

    @given(
        st.lists(st.text(max_size=64), max_size=3),
        st.lists(st.text(max_size=64), max_size=8),
        st.lists(st.text(max_size=64), max_size=3),
    )
    def test_the_last_always_fits_into_the_smallest_world(self, likes, refs, wishes):
        opened = known(
            view=View(handle="1." + "ab" * 16, likes=likes, wishes=[Wish(ref=ref) for ref in wishes]),
            memory=Memory(asked=refs, tried=refs, dismissed=refs),
        )

        assert size(list(tiers(opened, NOW_MS))[-1]) <= FLAGS

"""Interactions as hypothesis makes them: few names, so that they meet, and times around the landmarks."""

from hypothesis import strategies as st

from contracts.interaction.v1.payload import Interaction
from services.profile.decay import FAST_MS, SLOW_MS, SPAN

_NAMES = st.sampled_from(("a", "b", "c", "d", "e"))
TIMES = st.one_of(
    st.integers(0, 3 * SPAN * SLOW_MS),
    st.builds(lambda epoch, step: max(0, epoch * SPAN * FAST_MS + step), st.integers(0, 9), st.integers(-2, 2)),
)


def interactions(mids: st.SearchStrategy[bytes] | None = None) -> st.SearchStrategy[Interaction]:
    return st.builds(
        Interaction,
        source=st.just("app:shop"),
        eid=st.just(bytes(16)),
        mid=mids or st.binary(min_size=16, max_size=16),
        kind=st.integers(1, 20),
        at_ms=TIMES,
        channel=st.sampled_from(("web", "ios", "store")),
        item=st.none() | _NAMES,
        topics=st.lists(_NAMES | st.sampled_from(("hours", "trades")), max_size=5).map(tuple),
        value=st.none() | st.floats(0, 1),
        other=st.none() | st.sampled_from((b"g" * 16, b"h" * 16)),
        stances=st.just(()) | st.lists(st.integers(-8, 8), min_size=5, max_size=5).map(tuple),
    )


HISTORIES = st.lists(interactions(), max_size=40, unique_by=lambda interaction: interaction.mid)

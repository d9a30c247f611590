"""JSON as nobody should send it: NaN, huge numbers, half surrogate pairs, keys twice, nests without end, cut short."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.fuzz.laws import PLANTED

_TOKENS = (
    "NaN", "-Infinity", "1e999", "-1e-999", "9" * 5_000, "-" + "9" * 400, "1" + "0" * 400, "18446744073709551616",
    "-0.0", "01", "+1", "tru", "", "[" * 990 + "]" * 990, "[" * 3_000,
    '{"a":' * 400 + "1" + "}" * 400, '"\\ud800"', '"\\udfff\\ud800"',
    '"\\u0000"', "\xff", "'x'",
)  # fmt: skip
_TEXTS = (
    PLANTED, "75317531@example.com", "+49 170 75317531", "192.168.75.31", "x\n", "", " ", "\u2028", "١٢",
    "a" * 600, "İ",
    "b-1", "rec", "track", "page", "comedy", "collect.behaviour", "2026-11-22T11:25:00Z", "9999-12-31T23:59:59+00:01",
)  # fmt: skip
#: Names that some parser reads, and some that none may repeat.
NAMES = (
    "batch", "b", "sentAt", "writeKey", "context", "type", "event", "userId", "anonymousId", "previousId", "groupId",
    "messageId", "timestamp", "originalTimestamp", "properties", "consent", "categoryPreferences", "library", "name",
    "channel", "product_id", "products", "categories", "query", "value", "rating", "op", "i", "w", "a", "v", "s", "e",
    "ref", "dt", "q", "k", "unasked", "r", "give", "take", "notice", "lang", "cap", "max", "say", "push", "purposes",
    "purpose", "min_positions", "partition", "sequence", "count", "exclude", "items", "item", "title", "topics",
    "price", PLANTED, "75317531@example.com", "gaze", "\ud800", "",
)  # fmt: skip


class Token(NamedTuple):
    """Written as it is."""

    text: str


class Pairs(NamedTuple):
    """An object whose keys may come twice."""

    pairs: Sequence[tuple[str, Any]]


def written(value: Any) -> str:
    """The text of a value."""
    match value:
        case Token(text):
            return text
        case Pairs(pairs):
            return "{" + ",".join(f"{json.dumps(name)}:{written(each)}" for name, each in pairs) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case _:
            return json.dumps(value)


nasty = st.sampled_from(_TOKENS).map(Token) | st.sampled_from(_TEXTS)
leaves = nasty | st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20)
names = st.sampled_from(NAMES)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(names, inner), max_size=6).map(Pairs),
    max_leaves=12,
)


def some(least: int = 0, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Pairs]:
    """An object of a few of `parts`, in any order, some of them twice."""
    pairs = st.sampled_from(sorted(parts)).flatmap(lambda name: st.tuples(st.just(name.rstrip("_")), parts[name]))
    return st.lists(pairs, min_size=least, max_size=5).map(Pairs)


def begun(first: Sequence[tuple[str, Any]], rest: st.SearchStrategy[Pairs]) -> st.SearchStrategy[Pairs]:
    """An object that begins with what makes it one of its kind."""
    return rest.map(lambda told: Pairs([*first, *told.pairs]))


_TRACK = (("type", "track"), ("event", "Product Viewed"), ("userId", PLANTED))
consents = some(categoryPreferences=some(marketing=leaves, functional=leaves, other=values) | values)
libraries = some(1, name=leaves, version=leaves) | leaves
contexts = some(1, consent=consents | leaves, library=libraries, channel=leaves)
products = st.lists(some(product_id=leaves, category=leaves, price=leaves) | leaves, max_size=3)
properties = some(
    1, product_id=leaves, category=leaves, categories=values, products=products, query=leaves, value=leaves, more=values
)
events = begun(
    _TRACK,
    some(
        type=leaves, event=leaves, userId=leaves, anonymousId=leaves, messageId=leaves, timestamp=leaves, sentAt=leaves,
        groupId=leaves, previousId=leaves, context=contexts | leaves, properties=properties | leaves, more=values,
    ),
)  # fmt: skip
batches = st.builds(
    lambda listed, told: Pairs([("batch", listed), *told.pairs]),
    st.lists(events | values, max_size=3),
    some(sentAt=leaves, writeKey=leaves, context=contexts | leaves, integrations=values),
)
frames = st.sampled_from(("open", "obs", "ask", "act", "con", "fgt", "link", "unl", "hnd", "close")).flatmap(
    lambda op: begun(
        [("op", op)],
        some(
            i=leaves, w=leaves, a=leaves, v=leaves, lang=leaves, cap=some(max=leaves, push=leaves, say=leaves) | leaves,
            s=leaves, e=leaves, ref=leaves, dt=leaves, q=leaves, k=leaves, gaze=values,
            give=st.lists(leaves, max_size=2), code=leaves, after=leaves,
        ),
    )
) | some(b=st.lists(values, max_size=3), max=leaves)  # fmt: skip
bodies = begun(
    [("userId", PLANTED)],
    some(
        userId=leaves, anonymousId=leaves, purposes=st.lists(leaves, max_size=3), purpose=leaves, stated_at_ms=leaves,
        notice_version=leaves, language=leaves, count=leaves, exclude=st.lists(leaves, max_size=2), may_be_stale=leaves,
        min_positions=st.lists(some(partition=leaves, sequence=leaves), max_size=2),
        items=st.lists(some(item=leaves, title=leaves, topics=values, price=leaves, place=leaves), max_size=2),
    ),
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A body, now and then cut or with a byte changed."""
    text = written(draw(batches | events | frames | bodies | values)).encode("utf-8", "surrogatepass")
    return _damaged(draw, text) if draw(st.integers(0, 9)) == 0 else text


def _damaged(draw: st.DrawFn, text: bytes) -> bytes:
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(st.binary(max_size=3)) + text[place + draw(st.integers(0, len(text))) :]


def shaped(shape: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """The text of a shape."""
    return shape.map(lambda value: written(value).encode("utf-8", "surrogatepass"))

"""The fast translation says what the plain one says, whatever an event holds."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.interaction.v1.payload import Interaction, Quarantined
from gateway.translate import Request, Translator
from gateway.vocabulary import load_vocabulary
from tests.unit.gateway import plain

VOCABULARY = load_vocabulary()
FIELDS = VOCABULARY.fields
EVENTS = (
    "Product Viewed",
    "product-reviewed",
    "Order Completed",
    "Rated",
    "Products Searched",
    "answered_survey",
    "Nix",
)
TOLD = (
    "comedy",
    "Toys > Games",
    "item-1",
    "u1",
    "0170 1234567",
    "ann@example.com",
    "DE89370400440532013000",
    "",
    " ",
    "4",
)

texts = st.sampled_from(TOLD) | st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
products = st.lists(st.dictionaries(st.sampled_from((*FIELDS.item, *FIELDS.topics)), scalars) | scalars, max_size=3)
properties = st.dictionaries(
    st.sampled_from(
        (*FIELDS.item, *FIELDS.topics, *FIELDS.words, "value", "total", "rating", "score", "price", "more")
    ),
    scalars | st.lists(scalars, max_size=3),
    max_size=6,
)
ids = (
    st.none()
    | st.sampled_from(("u1", "item-1", "", " ", "größe", "x" * 513))
    | st.integers(-9, 99)
    | st.sampled_from((1.0, 2.5))
)
moments = st.none() | st.datetimes().map(lambda at: at.isoformat() + "Z") | st.integers(0, 2**42) | st.just("gestern")
contexts = st.fixed_dictionaries(
    {},
    optional={
        "channel": scalars,
        "library": scalars | st.fixed_dictionaries({"name": st.sampled_from(("analytics.js", "x")) | scalars}),
        "consent": st.none()
        | st.fixed_dictionaries({"categoryPreferences": st.dictionaries(st.just("marketing"), scalars)}),
    },
)
events = st.fixed_dictionaries(
    {"messageId": st.sampled_from(("m1", 7))},
    optional={
        "type": st.sampled_from(("track", "page", "screen", "identify", "alias", "group", "nix", None)),
        "event": st.sampled_from(EVENTS),
        "userId": ids,
        "anonymousId": ids,
        "previousId": ids,
        "groupId": ids,
        "timestamp": moments,
        "originalTimestamp": moments,
        "sentAt": moments,
        "name": scalars,
        "category": scalars,
        "channel": scalars,
        "context": contexts,
        "properties": st.builds(
            lambda told, listed: {**told, **listed}, properties, products.map(lambda listed: {"products": listed})
        ),
    },
)


class TestFastAndPlain:
    @given(event=events, has_gpc=st.booleans())
    @settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_both_say_the_same(
        self, translator: Translator, request_of: Callable[..., Request], event: dict[str, Any], has_gpc: bool
    ) -> None:
        fast = translator.translate(request_of(has_gpc=has_gpc), json.dumps(event).encode())
        assert without_remains(fast) == plain.translate(VOCABULARY, request_of(has_gpc=has_gpc), event)


def without_remains(fate: Interaction | Quarantined) -> Interaction | Quarantined:
    return msgspec.structs.replace(fate, remains=None) if isinstance(fate, Quarantined) else fate

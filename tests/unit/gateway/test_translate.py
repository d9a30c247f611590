"""Translation: what SDKs say becomes interactions of a closed vocabulary, and what could identify stays outside."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.interaction.v1 import interaction_pb2 as kinds
from contracts.interaction.v1.payload import Interaction, Quarantined
from doors.subjects import SourceKeys
from gateway.domain import GPC_REFUSES
from gateway.events import Batch, Context
from gateway.translate import Request, Translator
from kit.packs import load
from kit.signals import decode_tcf
from services.consent.purposes import PACK, PurposePack
from tests.unit.gateway.conftest import RECEIVED_MS

Translated = Callable[..., Any]
CAPTURES = Path(__file__).parents[2] / "data" / "sdk_captures.jsonl"


def captured_events() -> list[tuple[str, bytes]]:
    """(type that the path tells, event) of every captured request."""
    events = []
    for line in CAPTURES.read_text().splitlines():
        capture = json.loads(line)
        if capture.get("m") != "POST":
            continue
        body = json.loads(capture["body"])
        path = capture["path"].partition("?")[0].rsplit("/", 1)[1]
        events += [("", json.dumps(event).encode()) for event in body.get("batch", [])]
        if "batch" not in body:
            events.append((path if len(path) > 1 else "", capture["body"].encode()))
    return events


TC_STRING = "COw4XqLOw4XqLAAAAAENAXCf-v-gAAAfwIAAACngAI8AEFABgACAA4A"
SALE_REFUSED = "DBABTA~1YYN"


class TestTurnedKeys:
    @pytest.mark.parametrize("ids", [{"type": "identify", "anonymousId": "a1"}, {"type": "alias", "previousId": "a1"}])
    def test_ids_are_told_under_older_versions_too(
        self, translator: Translator, request_of: Callable[..., Request], ids: dict[str, str]
    ) -> None:
        old = SourceKeys(b"o" * 32, "app:shop", 1)
        new = SourceKeys(b"n" * 32, "app:shop", 2, (old,))
        request = replace(request_of(), keys=new)
        fate = translator.translate(request, json.dumps({"userId": "u1", "messageId": "m1", **ids}).encode())
        assert isinstance(fate, Interaction)
        assert (fate.eid, fate.other, fate.version) == (new.user("u1"), new.anonymous("a1"), 2)
        assert (fate.former, fate.other_former) == (((1, old.user("u1")),), ((1, old.anonymous("a1")),))

    @pytest.mark.parametrize(("said", "former"), [({"messageId": "m1"}, True), ({}, False)])
    def test_message_ids_are_told_under_keys_that_were_turned_lately(
        self, translator: Translator, request_of: Callable[..., Request], said: dict[str, str], *, former: bool
    ) -> None:
        oldest, old = SourceKeys(b"x" * 32, "app:shop", 1), SourceKeys(b"o" * 32, "app:shop", 2)
        request = replace(request_of(), keys=SourceKeys(b"n" * 32, "app:shop", 3, (old, oldest), 1))
        fate = translator.translate(request, json.dumps({"type": "identify", "userId": "u1", **said}).encode())
        assert isinstance(fate, Interaction)
        assert fate.former_mids == ((old.message("m1"),) if former else ())

    def test_a_key_that_was_never_turned_adds_nothing(self, translated: Translated) -> None:
        fate = translated(event="Product Viewed", properties={"product_id": "a1"})
        assert (fate.version, fate.former, fate.other_former, fate.former_mids) == (0, (), (), ())


class TestCaptures:
    @pytest.mark.parametrize(("path_type", "raw"), captured_events())
    def test_every_captured_event_is_understood(
        self, translator: Translator, request_of: Callable[..., Request], path_type: str, raw: bytes
    ) -> None:
        fate = translator.translate(request_of(type=path_type), raw)
        if json.loads(raw).get("event") == "Order Done":
            assert isinstance(fate, Quarantined)
            assert (fate.reason, fate.field) == ("unknown_event", "event")
        else:
            assert isinstance(fate, Interaction), fate

    @pytest.mark.parametrize(("path_type", "raw"), captured_events())
    def test_nothing_raw_is_left(
        self, translator: Translator, request_of: Callable[..., Request], path_type: str, raw: bytes
    ) -> None:
        kept = msgspec.msgpack.encode(translator.translate(request_of(type=path_type), raw))
        event = json.loads(raw)
        for name in ("userId", "anonymousId", "messageId", "groupId", "previousId"):
            if len(value := event.get(name) or "") > 2:
                assert value.encode() not in kept
                assert value.replace("-", "").encode() not in kept
        for word in (b"Mozilla", b"localhost", b"index.html", b"plan", b"analytics"):
            assert word not in kept

    def test_all_six_clients_are_there(self) -> None:
        assert len(captured_events()) > 40


class TestIdentity:
    def test_user_id_names_the_visitor(self, translated: Translated, keys: SourceKeys) -> None:
        fate = translated(event="Product Viewed", anonymousId="x")
        assert fate.eid == keys.user("u1")
        assert fate.mid == keys.message("m1")

    @pytest.mark.parametrize("absent", [None, "", "  "])
    def test_absent_user_id_leaves_the_anonymous_one(
        self, translated: Translated, keys: SourceKeys, absent: str | None
    ) -> None:
        assert translated(event="Product Viewed", userId=absent, anonymousId="x").eid == keys.anonymous("x")

    def test_user_and_anonymous_ids_never_meet(self, keys: SourceKeys) -> None:
        assert keys.user("x") != keys.anonymous("x")

    @pytest.mark.parametrize("number", [12, 12.0])
    def test_number_is_the_same_visitor_as_its_text(
        self, translated: Translated, keys: SourceKeys, number: float
    ) -> None:
        assert translated(event="Product Viewed", userId=number).eid == keys.user("12")

    def test_nobody_is_quarantined(self, translated: Translated) -> None:
        fate = translated(event="Product Viewed", userId=None)
        assert (fate.reason, fate.field) == ("identity_missing", "userId")

    def test_event_without_message_id_gets_a_random_one(self, translated: Translated) -> None:
        assert translated(event="Product Viewed", messageId=None).mid == b"r" * 16

    def test_identify_with_both_ids_links(self, translated: Translated, keys: SourceKeys) -> None:
        fate = translated(type="identify", anonymousId="x", traits={"email": "ann@example.com"})
        assert (fate.kind, fate.eid, fate.other) == (kinds.KIND_IDENTIFIED, keys.user("u1"), keys.anonymous("x"))

    def test_identify_with_one_id_links_nobody(self, translated: Translated) -> None:
        assert translated(type="identify").other is None

    @pytest.mark.parametrize("ids", [{"previousId": "x"}, {"previousId": "u0", "anonymousId": "x"}])
    def test_alias_links(self, translated: Translated, keys: SourceKeys, ids: dict[str, str]) -> None:
        fate = translated(type="alias", **ids)
        assert (fate.kind, fate.eid, fate.other) == (kinds.KIND_IDENTIFIED, keys.user("u1"), keys.anonymous("x"))

    def test_group_is_a_hash(self, translated: Translated, keys: SourceKeys) -> None:
        fate = translated(type="group", groupId="g1", traits={"name": "Example Ltd"})
        assert (fate.kind, fate.other) == (kinds.KIND_JOINED, keys.group("g1"))

    @pytest.mark.parametrize(("kind", "field"), [("alias", "previousId"), ("group", "groupId")])
    def test_missing_partner_is_named(self, translated: Translated, kind: str, field: str) -> None:
        assert translated(type=kind).field == field


class TestVocabulary:
    @pytest.mark.parametrize(
        ("event", "kind"),
        [
            ("Product Viewed", kinds.KIND_SEEN),
            ("product viewed", kinds.KIND_SEEN),
            ("Products Searched", kinds.KIND_SEARCHED),
            ("Product Added", kinds.KIND_WISHED),
            ("Product Added to Wishlist", kinds.KIND_WISHED),
            ("Product Removed", kinds.KIND_DISMISSED),
            ("Order Completed", kinds.KIND_BOUGHT),
            ("Order Refunded", kinds.KIND_RETURNED),
            ("Product Shared", kinds.KIND_SHARED),
            ("used-feature", kinds.KIND_USED_FEATURE),
            ("tried", kinds.KIND_TRIED),
            ("complained", kinds.KIND_COMPLAINED),
            ("loyalty", kinds.KIND_LOYALTY),
        ],
    )
    def test_event_name_is_a_kind(self, translated: Translated, event: str, kind: int) -> None:
        assert translated(event=event).kind == kind

    def test_unknown_event_is_quarantined(self, translated: Translated) -> None:
        assert translated(event="Ann Example logged in").reason == "unknown_event"

    @pytest.mark.parametrize("kind", ["page", "screen"])
    def test_page_is_seen_and_its_address_is_gone(self, translated: Translated, kind: str) -> None:
        fate = translated(type=kind, name="Ann's page", category="Shoes", properties={"url": "https://x/?e=a@b.c"})
        assert (fate.kind, fate.item, fate.topics) == (kinds.KIND_SEEN, None, ("shoes",))

    def test_review_is_a_rating_between_nought_and_one(self, translated: Translated) -> None:
        properties = {"product_id": 50, "rating": 4, "categories": ["sci-fi", "war", "nonsense"]}
        fate = translated(event="Product Reviewed", properties=properties)
        assert (fate.kind, fate.item, fate.topics, fate.value) == (kinds.KIND_RATED, "50", ("sci-fi", "war"), 0.75)

    @pytest.mark.parametrize(
        ("rating", "reason"), [(6, "out_of_range"), (None, "value_missing"), ("many", "value_missing")]
    )
    def test_rating_outside_its_scale_is_quarantined(self, translated: Translated, rating: Any, reason: str) -> None:
        fate = translated(event="Product Reviewed", properties={"product_id": 50, "rating": rating})
        assert (fate.reason, fate.field) == (reason, "properties.rating")

    def test_order_takes_total_first_product_and_all_topics(self, translated: Translated) -> None:
        products = [{"product_id": "a1", "category": "Shoes"}, {"sku": "b2", "category": "Games > Board"}, 7]
        fate = translated(event="Order Completed", properties={"total": "27.50", "products": products, "order_id": "o"})
        assert (fate.item, fate.topics, fate.value) == ("a1", ("shoes", "games"), 27.5)

    def test_query_becomes_topics_and_is_gone(self, translated: Translated) -> None:
        fate = translated(event="Products Searched", properties={"query": "red running shoes for Ann, science fiction"})
        assert set(fate.topics) == {"shoes", "sports", "sci-fi"}
        assert b"Ann" not in msgspec.msgpack.encode(fate)

    def test_at_most_five_topics(self, translated: Translated) -> None:
        fate = translated(event="seen", properties={"topics": ["war", "drama", "crime", "shoes", "games", "books"]})
        assert len(fate.topics) == 5

    @pytest.mark.parametrize(
        ("fields", "channel"),
        [
            ({}, "server"),
            ({"channel": "web"}, "web"),
            ({"channel": ["web"]}, "server"),
            ({"channel": "ann@example.com"}, "server"),
            ({"context": {"library": {"name": "analytics.js"}}}, "web"),
            ({"context": {"library": {"name": "analytics-swift"}}}, "mobile"),
            ({"context": {"library": "analytics.js"}}, "server"),
            ({"type": "screen"}, "mobile"),
        ],
    )
    def test_channel_is_one_of_three(self, translated: Translated, fields: dict[str, Any], channel: str) -> None:
        assert translated(**{"event": "seen", **fields}).channel == channel


class TestRefusal:
    @pytest.mark.parametrize(
        "item", ["ann@example.com", "Ann Example", "+491701234567", "01701234567", "4111111111111111", "192.168.1.1"]
    )
    def test_identity_in_an_item_is_refused_with_its_field(self, translated: Translated, item: str) -> None:
        fate = translated(event="Product Viewed", properties={"product_id": item})
        assert (fate.reason, fate.field) == ("identity_refused", "properties.product_id")
        assert item.encode() not in msgspec.msgpack.encode(fate)

    def test_identity_in_a_product_list_is_refused(self, translated: Translated) -> None:
        fate = translated(event="Order Completed", properties={"products": [{"sku": "ann@example.com"}]})
        assert (fate.reason, fate.field) == ("identity_refused", "properties.products[0].sku")

    def test_visitor_is_not_an_item(self, translated: Translated) -> None:
        assert translated(event="Product Viewed", properties={"product_id": "a1"}).item == "a1"
        fate = translated(event="Product Viewed", userId="a1", properties={"product_id": "a1"})
        assert fate.reason == "identity_refused"

    def test_too_large_an_event_is_quarantined(self, translated: Translated) -> None:
        assert translated(event="seen", properties={"note": "x" * (32 << 10)}).reason == "too_large"

    @pytest.mark.parametrize(
        ("raw", "field"),
        [
            (b"[]", ""),
            (b"7", ""),
            (b'{"userId": {}}', "userId"),
            (b'{"type": 5}', "type"),
            (b'{"userId": "u", "properties": []}', "properties"),
            (b'{"userId": "u", "context": {"consent": 1}}', "context.consent"),
            (b'{"userId": "\\ud800"}', ""),
            (b'{"x": ' + b"[" * 90_000 + b"]" * 90_000 + b"}", ""),
        ],
    )
    def test_malformed_event_names_the_field(
        self, translator: Translator, request_of: Callable[..., Request], raw: bytes, field: str
    ) -> None:
        fate = translator.translate(request_of(), raw)
        assert isinstance(fate, Quarantined)
        assert (fate.reason, fate.field) == ("malformed", field)

    def test_malformed_event_keeps_its_message_id(
        self, translator: Translator, request_of: Callable[..., Request], keys: SourceKeys
    ) -> None:
        fate = translator.translate(request_of(), b'{"messageId": "m1", "userId": {}}')
        assert fate.mid == keys.message("m1")

    def test_unknown_type_is_quarantined(self, translated: Translated) -> None:
        assert translated(type="teleport").reason == "unknown_type"


class TestTime:
    def test_clock_skew_is_taken_out(self, translated: Translated, request_of: Callable[..., Request]) -> None:
        request = request_of(skew_ms=-3_600_000)  # an hour ahead
        assert translated(request, event="seen", timestamp="2026-11-22T12:24:50Z").at_ms == RECEIVED_MS - 10_000

    def test_sending_time_of_the_event_counts_before_the_batch(
        self, translated: Translated, request_of: Callable[..., Request]
    ) -> None:
        times = {"timestamp": "2026-11-22T12:24:50Z", "sentAt": "2026-11-22T12:25:00Z"}
        assert translated(request_of(skew_ms=7), event="seen", **times).at_ms == RECEIVED_MS - 10_000

    def test_original_timestamp_counts_first(self, translated: Translated) -> None:
        fate = translated(event="seen", timestamp="2026-11-22T11:00:00Z", originalTimestamp="2026-11-22T10:00:00Z")
        assert fate.at_ms == RECEIVED_MS - 85 * 60_000

    @pytest.mark.parametrize(
        ("written", "at_ms"),
        [
            ("1997-09-20T03:05:10+00:00", 874_724_710_000),
            ("1997-09-20T05:05:10+02:00", 874_724_710_000),
            ("1997-09-20T03:05:10", 874_724_710_000),
            (874_724_710, 874_724_710_000),
            (874_724_710_000, 874_724_710_000),
            ("2026-11-22T11:30:00Z", RECEIVED_MS + 300_000),
            ("2026-11-22T11:30:01Z", RECEIVED_MS),
            ("9999-12-31T23:59:59Z", RECEIVED_MS),
            ("1900-01-01T00:00:00Z", 631_152_000_000),
            (None, RECEIVED_MS),
            ("", RECEIVED_MS),
        ],
    )
    def test_event_time_is_read_and_clamped(self, translated: Translated, written: Any, at_ms: int) -> None:
        assert translated(event="seen", timestamp=written).at_ms == at_ms

    def test_unreadable_time_is_quarantined(self, translated: Translated) -> None:
        assert translated(event="seen", timestamp="yesterday").field == "timestamp"


def consent(**preferences: bool) -> dict[str, Any]:
    return {"consent": {"categoryPreferences": preferences}}


class TestConsent:
    def test_categories_become_purposes(self, translated: Translated) -> None:
        fate = translated(event="seen", context=consent(Behaviour=True, Memory=True, Advertising=False, Other=True))
        assert fate.granted == ("collect.behaviour", "remember.conversation")
        assert fate.withdrawn == ("recommend.offer", "offer.brand")

    def test_purpose_ids_are_understood(self, translated: Translated) -> None:
        assert translated(event="seen", context=consent(**{"research.model": True})).granted == ("research.model",)

    def test_refusal_wins_over_another_category(self, translated: Translated) -> None:
        fate = translated(event="seen", context=consent(Behaviour=True, Analytics=False))
        assert fate.granted == ()
        assert "collect.behaviour" in fate.withdrawn

    def test_only_true_and_false_are_answers(self, translated: Translated) -> None:
        context = {"consent": {"categoryPreferences": {"Behaviour": "true", "Memory": 1, "Sharing": None}}}
        fate = translated(event="seen", context=context)
        assert (fate.granted, fate.withdrawn) == ((), ())

    def test_preferences_that_are_no_object_are_quarantined(self, translated: Translated) -> None:
        fate = translated(event="seen", context={"consent": {"categoryPreferences": ["Behaviour"]}})
        assert (fate.reason, fate.field) == ("malformed", "context.consent.categoryPreferences")

    def test_preferences_of_the_batch_count_for_its_events(
        self, translated: Translated, request_of: Callable[..., Request]
    ) -> None:
        context = msgspec.json.decode('{"library": {"name": "analytics.js"}}', type=Context)
        shared = msgspec.json.decode(json.dumps({"batch": [], "context": consent(Memory=True)}), type=Batch).context
        assert translated(request_of(context=shared), event="seen").granted == ("remember.conversation",)
        assert translated(request_of(context=context), event="seen").channel == "web"

    def test_global_privacy_control_refuses_sharing_whatever_was_granted(
        self, translated: Translated, request_of: Callable[..., Request]
    ) -> None:
        fate = translated(request_of(has_gpc=True), event="seen", context=consent(Sharing=True, Behaviour=True))
        assert fate.granted == ("collect.behaviour",)
        assert fate.withdrawn == fate.gpc == ("offer.brand", "link.cross_world", "share.brand_profile")

    def test_what_the_banner_refuses_too_is_not_the_signal_s_alone(
        self, translated: Translated, request_of: Callable[..., Request]
    ) -> None:
        fate = translated(request_of(has_gpc=True), event="seen", context=consent(Sharing=False))
        assert fate.gpc == ("offer.brand", "link.cross_world")

    def test_the_signal_refuses_what_the_purpose_pack_marks(self) -> None:
        pack = load(PACK, PurposePack)
        assert {each.id for each in pack.purposes if each.gpc == "deny"} == set(GPC_REFUSES)

    def test_a_tc_string_says_what_its_purposes_mean_here(self, translated: Translated) -> None:
        fate = translated(event="seen", context={"consent": {"tcString": TC_STRING}})
        said = decode_tcf(TC_STRING)
        assert ("personalise.world" in fate.granted) is (6 in said.consented)
        assert fate.granted
        assert not set(fate.granted) & set(fate.withdrawn)

    def test_an_opt_out_under_gpp_outweighs_what_the_banner_allows(self, translated: Translated) -> None:
        context = consent(Sharing=True, Behaviour=True)
        context["consent"]["gppString"] = SALE_REFUSED
        fate = translated(event="seen", context=context)
        assert fate.granted == ("collect.behaviour",)
        assert fate.withdrawn == ("share.brand_profile",)

    def test_a_gpp_string_allows_nothing_by_its_opt_outs(self, translated: Translated) -> None:
        fate = translated(event="seen", context={"consent": {"gppString": SALE_REFUSED.replace("1YYN", "1YNN")}})
        assert (fate.granted, fate.withdrawn) == ((), ())

    @pytest.mark.parametrize("name", ["tcString", "gppString"])
    def test_a_string_that_is_none_is_quarantined(self, translated: Translated, name: str) -> None:
        fate = translated(event="seen", context={"consent": {name: "nothing"}})
        assert (fate.reason, fate.field) == ("malformed", f"context.consent.{name}")


class TestTexts:
    def test_a_text_is_noted_beside_the_event_and_is_not_in_it(
        self, translated: Translated, request_of: Callable[..., Request]
    ) -> None:
        request = request_of()
        fate = translated(request, event="Praised", properties={"item": "tea", "text": "I love it"})
        assert request.texts == {fate.mid: "I love it"}
        assert (fate.kind, fate.stances) == (kinds.KIND_PRAISED, ())
        assert b"love" not in msgspec.msgpack.encode(fate)

    @pytest.mark.parametrize(
        ("event", "properties"),
        [
            ("Bought", {"item": "tea", "text": "I love it"}),
            ("Product Reviewed", {"rating": 5, "text": "I love it"}),
            ("Promotion Clicked", {"text": "I love it"}),
            ("Praised", {"text": ["I", "love"]}),
            ("Praised", {"text": "  "}),
            ("Praised", {"comment": "I love it"}),
        ],
    )
    def test_nothing_else_is_taken_for_one(
        self, translated: Translated, request_of: Callable[..., Request], event: str, properties: dict[str, Any]
    ) -> None:
        request = request_of()
        translated(request, event=event, properties=properties)
        assert request.texts == {}

    def test_of_a_long_text_the_beginning_is_taken(
        self, translated: Translated, request_of: Callable[..., Request]
    ) -> None:
        request = request_of()
        translated(request, event="Complained", properties={"text": "x" * 9_000})
        assert [len(text) for text in request.texts.values()] == [2_000]

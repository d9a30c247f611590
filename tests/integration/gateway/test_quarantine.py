"""The quarantine over HTTP: for staff, free of identity, with typed refusals."""

import json
from typing import Any

import pytest

from contracts.interaction.v1 import interaction_pb2
from contracts.profile.v1 import profile_pb2 as contract
from doors.subjects import EdgeKeys
from tests.integration.gateway.conftest import Gateway
from tests.integration.gateway.test_contract import viewed

PATHS = (("GET", ""), ("GET", "/rules"), ("POST", "/rules"), ("POST", "/replay"))


async def ask(gateway: Gateway, method: str, path: str = "", **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {gateway.keys.staff}"}
    return await gateway.http.request(method, f"/v1/quarantine{path}", headers=headers, **more)


class TestRemains:
    async def test_the_name_leaves_as_a_keyed_hash_and_the_rest_as_closed_words(self, gateway: Gateway) -> None:
        properties = {
            "product_id": "p-1",
            "category": "comedy",
            "price": 3.5,
            "note": "call 75317531",
            "sku": "a@b.example",
        }
        await gateway.track(viewed(event="Ann Example logged in", properties=properties))
        (refused,) = await gateway.quarantined()
        keys = EdgeKeys(gateway.keyring).of("app:shop")
        assert refused.remains.named == keys.event("ann_example_logged_in")
        assert (refused.remains.items, refused.remains.topics) == ({"product_id": "p-1"}, ("comedy",))
        assert refused.remains.values == {"price": 3.5}
        assert "Ann" not in repr(refused)

    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"event": "Product Reviewed", "properties": {"product_id": "p-1", "rating": 80}}, "out_of_range"),
            ({"event": "Product Reviewed", "properties": {"product_id": "p-1", "price": 3}}, "value_missing"),
            ({"timestamp": "then", "properties": {"product_id": "p-1"}}, "malformed"),
            ({"type": "happening", "properties": {"product_id": "p-1"}}, "unknown_type"),
        ],
    )
    async def test_what_a_rule_can_mend_is_left_under_its_name_and_reason(
        self, gateway: Gateway, changed: dict[str, Any], reason: str
    ) -> None:
        await gateway.track(viewed(**changed))
        (refused,) = await gateway.quarantined()
        name = changed.get("event", "Product Viewed").lower().replace(" ", "_")
        named = EdgeKeys(gateway.keyring).of("app:shop").event(f"{reason}\n{name}")
        assert (refused.reason, refused.remains.named) == (reason, named)
        assert refused.remains.items == {"product_id": "p-1"}
        assert refused.remains.at_ms > 0

    async def test_what_no_rule_mends_leaves_nothing(self, gateway: Gateway) -> None:
        events = [
            viewed(event=""),
            viewed(properties={"product_id": "ann@example.com"}),
            # Two faults.
            viewed(type="happening", timestamp="then"),
            viewed(type="happening", userId="", anonymousId=""),
            viewed(type="happening", userId="x" * 513),
            viewed(type="page", timestamp="then", event=None),
            viewed(properties=7),
            7,
        ]
        await gateway.track(*events)
        assert [each.remains for each in await gateway.quarantined()] == [None] * len(events)

    @pytest.mark.parametrize(
        "changed",
        [
            {"timestamp": "then"},
            {"event": "Product Reviewed"},
            {"event": "Product Reviewed", "properties": {"product_id": "ann@example.com", "rating": 99}},
        ],
    )
    async def test_of_an_event_with_an_identity_nothing_is_left_whatever_else_is_wrong(
        self, gateway: Gateway, changed: dict[str, Any]
    ) -> None:
        await gateway.track(viewed(**{"properties": {"product_id": "ann@example.com"}, **changed}))
        (refused,) = await gateway.quarantined()
        assert (refused.reason, refused.remains) == ("identity_refused", None)


class TestListing:
    async def test_counts_and_events_are_told_without_anybodys_id(self, gateway: Gateway) -> None:
        told = {"source": "app:shop", "reason": "unknown_event", "field": "event", "named": b"n" * 16}
        gateway.services.answers["ListQuarantine"] = contract.ListQuarantineResponse(
            counts=[contract.QuarantineCount(**told, quarantined=3, can_replay=2, mended=1)],
            events=[contract.QuarantinedEvent(**told, set_aside_at_ms=5, can_replay=True)],
            next=b"\x01" * 24,
        )
        answer = await ask(gateway, "GET", "?source=app:shop&reason=unknown_event&limit=1&after=" + "02" * 24)
        body = answer.json()
        named = (b"n" * 16).hex()
        assert body["counts"][0] | {"named": named, "quarantined": 3, "can_replay": 2, "mended": 1} == body["counts"][0]
        assert set(body["events"][0]) == {
            "source",
            "reason",
            "field",
            "named",
            "set_aside_at_ms",
            "can_replay",
            "mended_at_ms",
            "fate",
        }
        assert body["next"] == "01" * 24
        (asked,) = gateway.services.asked
        assert (asked.brand, asked.source, asked.reason, asked.count) == ("oak", "app:shop", "unknown_event", 1)
        assert asked.after == b"\x02" * 24

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=501", "limit"),
            ("limit=x", "limit"),
            ("source=shop", "source"),
            ("source=app:%00", "source"),
            ("reason=%00", "reason"),
            ("after=x", "after"),
            ("nothing=1", "query"),
        ],
    )
    async def test_nonsense_is_refused_with_the_field(self, gateway: Gateway, query: str, field: str) -> None:
        answer = await ask(gateway, "GET", f"?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
        assert field in answer.json()["field"]


class TestRules:
    async def test_a_name_is_hashed_under_every_edge_key_and_the_vocabulary_says_what_is_meant(
        self, gateway: Gateway
    ) -> None:
        gateway.keyring.create("edge")
        gateway.services.answers["PutMendingRule"] = contract.PutMendingRuleResponse(can_replay=7)
        body = {"source": "app:shop", "event": "Rated It", "means": "Product Reviewed"}
        answer = await ask(gateway, "POST", "/rules", json=body)
        (asked,) = gateway.services.asked
        names = [keys.event("rated_it") for keys in EdgeKeys(gateway.keyring).every("app:shop")]
        assert answer.json() == {"named": names[0].hex(), "can_replay": 7}
        assert [rule.named for rule in asked.rules] == names
        assert len(names) == 2
        rule = asked.rules[0]
        assert (rule.means, rule.kind) == ("product_reviewed", interaction_pb2.KIND_RATED)
        assert (rule.items[0], rule.needs_value) == ("product_id", True)
        (value,) = rule.values
        assert (value.field, value.is_scaled, value.least, value.most) == ("rating", True, 1, 5)

    async def test_a_rule_may_name_an_event_of_every_pack_of_its_source(self, gateway: Gateway) -> None:
        body = {"source": "app:shop", "event": "Asked For Help", "means": "Support Ticket Opened"}
        assert (await ask(gateway, "POST", "/rules", json=body)).status_code == 200
        assert gateway.services.asked[0].rules[0].kind == interaction_pb2.KIND_ASKED

    async def test_a_rule_may_bring_a_range_or_a_value_of_its_own(self, gateway: Gateway) -> None:
        body = {"source": "app:shop", "event": "Product Reviewed", "reason": "out_of_range"}
        body |= {"scale": [0, 100], "default": 0.5}
        assert (await ask(gateway, "POST", "/rules", json=body)).status_code == 200
        (asked,) = gateway.services.asked
        (rule,) = asked.rules
        (value,) = rule.values
        assert rule.named == EdgeKeys(gateway.keyring).of("app:shop").event("out_of_range\nproduct_reviewed")
        assert (rule.means, rule.default_value) == ("product_reviewed", 0.5)
        assert (value.field, value.least, value.most) == ("rating", 0, 100)

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"reason": "out_of_range"}, "scale"),
            ({"reason": "value_missing", "scale": [0, 9]}, "default"),
            ({"scale": [1, 1]}, "scale"),
            ({"default": 2}, "default"),
            ({"means": "Product Viewed", "scale": [0, 9]}, "scale"),
            ({"means": "Support Ticket Opened", "default": 1}, "default"),
        ],
    )
    async def test_a_rule_that_would_mend_nothing_is_refused(
        self, gateway: Gateway, changed: dict[str, Any], field: str
    ) -> None:
        body = {"source": "app:shop", "event": "Product Reviewed", **changed}
        answer = await ask(gateway, "POST", "/rules", json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "RULE_USELESS", field)
        assert gateway.services.asked == []

    async def test_an_event_the_vocabulary_does_not_have_is_refused(self, gateway: Gateway) -> None:
        body = {"source": "app:shop", "event": "x", "means": "Nothing We Know"}
        answer = await ask(gateway, "POST", "/rules", json=body)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "EVENT_UNKNOWN", "means")
        assert gateway.services.asked == []

    @pytest.mark.parametrize(
        "changed",
        [
            {"source": "shop"},
            {"event": ""},
            {"event": "x" * 513},
            {"event": "\ud800"},
            {"means": 7},
            {"x": 1},
            {"reason": "identity_refused"},
            {"scale": [1]},
            {"scale": [0, 1e12]},
            {"default": "1"},
            {"default": True},
        ],
    )
    async def test_nonsense_is_refused(self, gateway: Gateway, changed: dict[str, Any]) -> None:
        body = {"source": "app:shop", "event": "Rated It", "means": "Product Reviewed", **changed}
        answer = await ask(gateway, "POST", "/rules", content=json.dumps(body))
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")

    async def test_rules_are_listed_by_hash(self, gateway: Gateway) -> None:
        rule = contract.MendingRule(source="app:shop", named=b"n" * 16, means="product_viewed", kind=1)
        gateway.services.answers["ListMendingRules"] = contract.ListMendingRulesResponse(rules=[rule])
        answer = await ask(gateway, "GET", "/rules")
        assert answer.json() == {
            "rules": [{"source": "app:shop", "named": (b"n" * 16).hex(), "means": "product_viewed"}]
        }


class TestReplay:
    async def test_says_what_was_sent_and_where_to_go_on(self, gateway: Gateway) -> None:
        gateway.services.answers["ReplayQuarantine"] = contract.ReplayQuarantineResponse(
            replayed=5, unfit=2, refused=3, unreadable=1, next=b"\x01" * 24
        )
        answer = await ask(gateway, "POST", "/replay", json={"source": "app:shop", "limit": 8})
        assert answer.json() == {
            "replayed": 5,
            "unfit": 2,
            "refused": 3,
            "unreadable": 1,
            "next": "01" * 24,
        }
        (asked,) = gateway.services.asked
        assert (asked.brand, asked.source, asked.count) == ("oak", "app:shop", 8)

    @pytest.mark.parametrize("body", [{"limit": 0}, {"limit": 5_001}, {"after": "0"}, {"source": "x"}, {"x": 1}])
    async def test_nonsense_is_refused(self, gateway: Gateway, body: dict[str, Any]) -> None:
        assert (await ask(gateway, "POST", "/replay", json=body)).status_code == 400


class TestAccess:
    @pytest.mark.parametrize(("method", "path"), PATHS)
    async def test_only_staff_may(self, gateway: Gateway, method: str, path: str) -> None:
        for key in (gateway.keys.write, gateway.keys.app, gateway.keys.world, "nobody"):
            headers = {"Authorization": f"Bearer {key}"}
            answer = await gateway.http.request(method, f"/v1/quarantine{path}", headers=headers, json={})
            assert answer.status_code == 401
        assert gateway.services.asked == []

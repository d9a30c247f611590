"""Sources choose their packs and the shape of their item ids; what cannot be is said before the door opens."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.interaction.v1 import interaction_pb2 as kinds
from contracts.interaction.v1.payload import Interaction, Quarantined
from gateway import sources
from gateway.sources import load_sources
from gateway.translate import Request
from gateway.translators import Translators
from gateway.vocabulary import FURTHER, load_further
from kit.packs import PackError

SHOPIFY_ID = "7634921259231"
RULES = 'sources:\n  "app:shop": {consent_categories: {}, %s}\n'
Made = Callable[..., Translators]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Translators of which `app:shop` has settings of its own, and packs beside those of the folder."""

    def make(rules: str = "", **packs: str) -> Translators:
        folder = tmp_path / "vocabularies"
        folder.mkdir()
        for file in FURTHER.glob("*.yaml"):
            (folder / file.name).write_text(file.read_text())
        for name, events in packs.items():
            (folder / f"{name}.yaml").write_text(f"id: {name}\nversion: '1'\nevents: {events}\n")
        told = sources.PACK.read_text().replace("sources: {}", RULES % rules if rules else "sources: {}")
        (tmp_path / "sources.yaml").write_text(told)
        return Translators(load_sources(tmp_path / "sources.yaml"), folder=folder)

    return make


@pytest.fixture
def fate(request_of: Callable[..., Request]) -> Callable[..., Interaction | Quarantined]:
    """What becomes of one event of a source."""

    def translate(translators: Translators, source: str, event: str, **properties: Any) -> Interaction | Quarantined:
        sent = {"userId": "u1", "event": event, "properties": properties}
        return translators.of(source).translate(request_of(), json.dumps(sent).encode())

    return translate


class TestPacks:
    @pytest.mark.parametrize("pack", load_further().values(), ids=lambda pack: pack.id)
    def test_every_event_is_understood_with_the_numbers_it_needs(self, pack, made, fate) -> None:
        translators = made()
        for name, rule in pack.events.items():
            told = {value.field: (value.scale or (0, 5))[1] for value in rule.value or ()}
            assert fate(translators, "app:any", name, **told).kind == kinds.Kind.Value(f"KIND_{rule.kind.upper()}")

    @pytest.mark.parametrize(
        ("event", "told", "value"),
        [
            ("NPS Answered", {"nps": 9}, 0.9),
            ("CSAT Answered", {"csat": 2}, 0.25),
            ("CES Answered", {"ces": 7}, 1.0),
            ("Support Rated", {"csat": 1}, 0.0),
            ("Points Earned", {"points": 120}, 120.0),
        ],
    )
    def test_answers_are_brought_to_one_scale_and_points_are_kept(self, made, fate, event, told, value) -> None:
        assert fate(made(), "app:any", event, **told).value == value

    def test_text_of_an_answer_is_not_kept(self, made, fate) -> None:
        kept = fate(made(), "app:any", "NPS Answered", nps=9, comment="planted-75317531", survey_id="autumn")
        assert kept.item == "autumn"
        assert "75317531" not in repr(kept)

    def test_number_off_its_scale_is_named(self, made, fate) -> None:
        refused = fate(made(), "app:any", "NPS Answered", nps=11)
        assert (refused.reason, refused.field) == ("out_of_range", "properties.nps")

    def test_source_that_chooses_has_no_others(self, made, fate) -> None:
        translators = made("vocabularies: [support]")
        assert fate(translators, "app:shop", "Support Ticket Opened").kind == kinds.KIND_ASKED
        assert fate(translators, "app:shop", "NPS Answered", nps=9).reason == "unknown_event"
        assert fate(translators, "app:other", "NPS Answered", nps=9).kind == kinds.KIND_ANSWERED_SURVEY

    def test_version_names_all_that_are_used(self, made) -> None:
        assert made("vocabularies: [support]").version.startswith("segment-ecommerce/")
        assert "+support/2" in load_translators().version

    @pytest.mark.parametrize(
        ("rules", "packs", "named"),
        [
            ("", {"mine": "{nps_answered: {kind: seen}}"}, "event nps_answered means something else"),
            ("", {"mine": "{product_viewed: {kind: bought}}"}, "event product_viewed means something else"),
            ("vocabularies: [nix]", {}, "there is no pack nix"),
            ("", {"mine": "{a: {kind: gazed}}"}, "there is no kind gazed"),
            ("item_ids: [digits-8]", {}, "there is no shape digits-8"),
            ("item_ids: [uuid]", {}, "there is no shape uuid"),
        ],
    )
    def test_what_cannot_be_is_said_at_the_start(self, made, rules, packs, named) -> None:
        with pytest.raises(PackError, match=named):
            made(rules, **packs)

    def test_one_event_may_stand_in_two_packs_that_agree(self, made) -> None:
        made("", mine="{signed_up: {kind: tried}}")


class TestItemIds:
    def test_number_that_may_be_somebodys_is_refused(self, made, fate) -> None:
        assert fate(made(), "app:shop", "seen", product_id=SHOPIFY_ID).reason == "identity_refused"

    def test_declared_shape_is_taken_from_that_source_alone(self, made, fate) -> None:
        translators = made("item_ids: [digits-13]")
        assert fate(translators, "app:shop", "seen", product_id=SHOPIFY_ID).item == SHOPIFY_ID
        assert fate(translators, "app:shop", "seen", product_id=int(SHOPIFY_ID)).item == SHOPIFY_ID
        assert fate(translators, "app:other", "seen", product_id=SHOPIFY_ID).reason == "identity_refused"

    @pytest.mark.parametrize(
        "item",
        ["763492125923", "76349212592311", "+7634921259231", "7634921259231 ", "ann@example.com"],
    )
    def test_no_other_shape_is(self, made, fate, item) -> None:
        translators = made("item_ids: [digits-13]")
        assert fate(translators, "app:shop", "seen", product_id=item).reason == "identity_refused"

    def test_visitors_own_id_is_refused_all_the_same(self, made, request_of) -> None:
        sent = {"userId": SHOPIFY_ID, "event": "seen", "properties": {"product_id": SHOPIFY_ID}}
        refused = made("item_ids: [digits-13]").of("app:shop").translate(request_of(), json.dumps(sent).encode())
        assert (refused.reason, refused.field) == ("identity_refused", "properties.product_id")

    def test_declared_shape_is_kept_of_an_event_that_waits_for_a_rule(self, made, fate) -> None:
        translators = made("item_ids: [digits-13]")
        assert fate(translators, "app:shop", "Nobody Knows", product_id=SHOPIFY_ID).remains.items == {
            "product_id": SHOPIFY_ID
        }
        assert fate(translators, "app:other", "Nobody Knows", product_id=SHOPIFY_ID).remains.items == {}


def load_translators() -> Translators:
    """What comes with the gateway."""
    return Translators(load_sources())


class TestShadow:
    def test_each_item_that_passed_is_told_once_and_no_other(self, fate) -> None:
        passed: list[str] = []
        translators = Translators(load_sources(), passed=passed.append)
        for item in ("p-1", "p-1", "ann@example.com", "p-2"):
            fate(translators, "app:shop", "Product Viewed", product_id=item)
        assert passed == ["p-1", "p-2"]

    def test_what_a_source_declared_its_own_is_not_told(self, made, fate) -> None:
        passed: list[str] = []
        translators = made("item_ids: [digits-13]")
        translators = Translators(translators.sources, passed=passed.append)
        assert fate(translators, "app:shop", "Product Viewed", product_id=SHOPIFY_ID).item == SHOPIFY_ID
        assert passed == []

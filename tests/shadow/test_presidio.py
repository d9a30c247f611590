"""Presidio as a judge: it finds by pattern, lets goods pass, and asks no network."""

import socket
import warnings

import pytest
from prometheus_client import CollectorRegistry

from kit.filtering.presidio import PresidioJudge
from kit.filtering.shadow import Shadow


@pytest.fixture(scope="module")
def judge():
    with warnings.catch_warnings():
        # What its dependencies warn of when they are imported is theirs.
        warnings.simplefilter("ignore")
        return PresidioJudge()


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the judge asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


class TestPresidio:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("write to ann@example.com", "EMAIL_ADDRESS"),
            ("4111111111111111", "CREDIT_CARD"),
            ("DE89370400440532013000", "IBAN_CODE"),
            ("from 192.168.7.12", "IP_ADDRESS"),
        ],
    )
    def test_what_has_a_pattern_is_found(self, judge, text, kind):
        assert kind in judge.finds(text)

    @pytest.mark.parametrize("text", ["chair", "sku-1234", "Order 4500012345", "4006381333931", "Toy Story (1995)"])
    def test_goods_pass(self, judge, text):
        assert judge.finds(text) == []

    def test_it_judges_a_sample(self, judge):
        registry = CollectorRegistry()
        sample = Shadow(judge, 1, registry, chance=lambda: 0)
        for text in ("chair", "ann@example.com"):
            sample.offer(text)
        assert sample.judge_waiting() == 2
        assert registry.get_sample_value("shadow_leak_rate", {"bound": "estimate"}) == 0.5

"""Refusal: what identifies people is seen, what shops call their articles passes."""

import pytest

from kit.refusal import identity_in


class TestIdentityIn:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("ann@example.com", "email"),
            ("mailto:ann@example.com", "email"),
            ("Ann Example", "free_text"),
            ("", "free_text"),
            ("x" * 65, "free_text"),
            ("größe", "free_text"),
            ("068160a5-2c01-475f-b8c7-69d75d9dceeb", "uuid"),
            ("user:068160a5-2c01-475f-b8c7-69d75d9dceeb", "uuid"),
            ("5d41402abc4b2a76b9719d911017c592", "uuid"),
            ("192.168.1.20", "ip_address"),
            ("ip-10.0.0.7", "ip_address"),
            ("2001:db8::8a2e:370:7334", "ip_address"),
            ("a4:5e:60:e8:1b:02", "ip_address"),
            ("a4-5e-60-e8-1b-02", "ip_address"),
            ("DE89370400440532013000", "iban"),
            ("GB29-NWBK-6016-1331-9268-19", "iban"),
            ("4111111111111111", "card"),
            ("4111-1111-1111-1111", "card"),
            ("card:4111111111111111", "card"),
            ("01701234567", "phone"),
            ("0170-123.4567", "phone"),
            ("tel:491701234567", "phone"),
        ],
    )
    def test_identity_is_seen(self, text: str, kind: str) -> None:
        assert identity_in(text) == kind

    @pytest.mark.parametrize(
        "text",
        [
            "1682",
            "sku-1",
            "SKU-2024-0001",
            "G-32",
            "507f1f77bcf86cd799439011",
            "oak.chair:red_2",
            "4006381333931",
            "036000291452",
            "B07XJ8C8F5",
            "gid:42",
            "12345678",
            "2026-11-22",
        ],
    )
    def test_article_passes(self, text: str) -> None:
        assert identity_in(text) == ""

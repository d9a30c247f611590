"""The filter: identifiers are seen in texts, goods are not, and the gates hide nothing that the rules would find."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kit.filtering import hits_in, suspicious
from kit.filtering.checksums import gtin, isbn10, luhn, mod97, nhs, verhoeff
from kit.filtering.scan import search

CAPTURES = Path(__file__).parents[2] / "data" / "sdk_captures.jsonl"
IDENTIFIERS = [
    ("write to ann.example@mail.example.com please", "email"),
    ("größe@büro.example", "email"),
    ("ann (at) example (dot) com", "email"),
    ("call me at 84 23 30", "phone"),
    ("We tried (03449) 78690 twice", "phone"),
    ("+44 (0)115 496 0914", "phone"),
    ("206.269.0743x9150", "phone"),
    ("609 141 777", "phone"),
    ("577 09 64", "phone"),
    ("57 314 879 70 25", "phone"),
    ("0 341 973 490", "phone"),
    ("017936727", "phone"),
    ("84599883439", "phone"),
    ("(06)18/808-6674", "phone"),
    ("my number: 7004950", "phone"),
    ("llámame al 4731 9683", "phone"),
    ("unter 43816304 zu erreichen", "phone"),
    ("Tel. 07 02 14 07", "phone"),
    ("TH34 7198 1748 34", "iban"),
    ("Kundin bittet um Rückruf: 089 123456", "phone"),
    ("\u0660\u0661\u0667\u0660 \u0661\u0662\u0663\u0664\u0665\u0666\u0667", "phone"),
    ("paid with 4111-1111-1111-1111", "card"),
    ("378282246310005", "card"),
    ("DE89 3704 0044 0532 0130 00 please", "iban"),
    ("gb29nwbk60161331926819", "iban"),
    ("login from 97.134.246.16", "ip_address"),
    ("10.0.0.7", "ip_address"),
    ("e393:4c02:3d86:783a:a256:de:6f80:3306", "ip_address"),
    ("fe80::1ff:fe23:4567:890a", "ip_address"),
    ("device f4:62:0a:67:b6:62 joined", "mac_address"),
    ("AA-BB-CC-DD-EE-FF", "mac_address"),
    ("https://ann:secret@shop.example/me?token=1", "url"),
    ("My website is annexample.gl", "url"),
    ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "crypto"),
    ("0x52908400098527886E0F7030069857D2E4169EE7", "crypto"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc", "key"),
    ("id 068160a5-2c01-475f-b8c7-69d75d9dceeb", "uuid"),
    ("40.94065, -73.99681", "location"),
    ("138-73-1034", "national_id"),
    ("AB 12 34 56 C", "national_id"),
    ("12345678Z", "national_id"),
    ("RSSMRA85T10A562S", "national_id"),
    ("77082414171", "national_id"),
    ("961107-5822", "national_id"),
    ("11010519491231002X", "national_id"),
    ("756.9217.0769.85", "national_id"),
    ("My driver's license number is S530-460-99-424-0", "personal"),
    ("passport number C12838858", "personal"),
    ("account number 4470991", "personal"),
]
GOODS = [
    "Toy Story (1995)",
    "2001: A Space Odyssey",
    "sku-1 SKU-2024-0001 G-32",
    "item-12345678",
    "user 4711-ABC",
    "4006381333931",
    "036000291452",
    "978-0-7227-3182-6",
    "ISBN 0-8044-2957-X",
    "0439023483",
    "B07XJ8C8F5",
    "Order 4500012345",
    "112-3456789-1234567",
    "order no. 4511223344",
    "your order number: 4511223344",
    "number 4731 of 9683",
    "AB34 7198 1748 34",
    "120.10.20 100.20.30",
    "10 500 000",
    "1.299,00 €",
    "EUR 123456.78",
    "$1,234,567.89",
    "1 000 000",
    "2026-11-22 11:25:03",
    "2026-11-22T11:25:03.471301Z",
    "22.11.2026",
    "11/22/2026 20:05",
    "1939-1945",
    "v97.0.4692.71",
    "openssl 1.1.1.12",
    "16.0.1.0.0.4",
    "2560x1440 px, 12000 mAh",
    "AES-256-GCM, RFC 6749",
    "zope.interface 5.4",
    "sync with Meetup.com",
    "std::vector 12:30:45",
    "icon@2x.png",
    "RTX 4090 24564 MiB",
    "507f1f77bcf86cd799439011",
]
alphabet = st.sampled_from(
    [*"0123456789" * 3, *" -./():+@xXaAbBdDeEfFzZ_#,\n\u00a0\u0661é", "card ", "Tel ", "id ", "www."]
)
texts = st.lists(alphabet, max_size=60).map("".join) | st.text(max_size=40)


class TestHits:
    @pytest.mark.parametrize(("text", "kind"), IDENTIFIERS)
    def test_identifier_is_seen(self, text: str, kind: str) -> None:
        assert kind in {hit.kind for hit in hits_in(text)}

    @pytest.mark.parametrize("text", GOODS)
    def test_goods_pass(self, text: str) -> None:
        assert hits_in(text) == []

    def test_a_hit_tells_where_and_not_what(self) -> None:
        hit = hits_in("write to ann@example.com")[0]
        assert (hit.kind, hit.start, hit.end) == ("email", 9, 24)
        assert "ann" not in repr(hit)

    def test_the_word_before_decides(self) -> None:
        assert hits_in("Bestellung 4155552671") == []
        assert hits_in("Telefon 4155552671")

    def test_half_a_surrogate_pair_is_read(self) -> None:
        assert hits_in("\ud800 ann@example.com")


class TestGates:
    @given(text=texts)
    @example("Tel 1a2b3")
    @example("AB12 345\u00a0678")
    @settings(max_examples=1500, deadline=None)
    def test_they_let_nothing_through(self, text: str) -> None:
        assert hits_in(text) == search(text)

    @given(leaves=st.lists(texts, max_size=6))
    @settings(max_examples=300, deadline=None)
    def test_many_texts_at_once_are_judged_as_each_alone(self, leaves: list[str]) -> None:
        asked = suspicious(leaves)
        assert [text for text in leaves if search(text)] == [text for text in asked if search(text)]

    @pytest.mark.parametrize("text", [text for text, _ in IDENTIFIERS] + GOODS)
    def test_they_agree_on_known_texts(self, text: str) -> None:
        assert hits_in(text) == search(text)

    def test_they_agree_on_real_requests(self) -> None:
        leaves = {leaf for line in CAPTURES.read_text().splitlines() for leaf in strings(json.loads(line))}
        assert [leaf for leaf in leaves if hits_in(leaf) != search(leaf)] == []


class TestChecksums:
    def test_published_examples(self) -> None:
        assert luhn("4111111111111111")
        assert gtin("4006381333931")
        assert isbn10("080442957X")
        assert mod97("GB29NWBK60161331926819")
        assert verhoeff("2363")
        assert nhs("9434765919")

    @given(digits=st.text("0123456789", min_size=8, max_size=18))
    def test_one_wrong_digit_is_seen(self, digits: str) -> None:
        good = next(digits + check for check in "0123456789" if luhn(digits + check))
        wrong = good[:-1] + str((int(good[-1]) + 1) % 10)
        assert not luhn(wrong)


def strings(told: object) -> list[str]:
    if isinstance(told, str):
        return [told]
    if isinstance(told, dict):
        return [leaf for each in told.values() for leaf in strings(each)]
    return [leaf for each in told for leaf in strings(each)] if isinstance(told, list) else []

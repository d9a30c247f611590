"""Keys: found in every form that SDKs send them, and never two at once."""

import base64

import pytest

from gateway.access import agreed, header_key, query_key
from gateway.domain import KeysDisagreeError
from kit.errors import UnauthenticatedError


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


class TestHeaderKey:
    @pytest.mark.parametrize(
        "header", [basic("mb_k_s:"), basic("mb_k_s"), basic("mb_k_s:password"), "Bearer mb_k_s", "bearer mb_k_s "]
    )
    def test_every_form_is_read(self, header: str) -> None:
        assert header_key(header) == "mb_k_s"

    @pytest.mark.parametrize("header", ["", "Digest x", "Basic", "Bearer "])
    def test_no_key_is_none(self, header: str) -> None:
        assert header_key(header) == ""

    @pytest.mark.parametrize("header", ["Basic ü", "Basic a", basic("ü:")])
    def test_malformed_header_is_unauthenticated(self, header: str) -> None:
        with pytest.raises(UnauthenticatedError):
            header_key(header)


class TestQueryKey:
    @pytest.mark.parametrize(
        ("query", "key"),
        [(b"", ""), (b"writeKey=a", "a"), (b"x=1&writeKey=a%5Fb", "a_b"), (b"writeKey=", ""), (b"\xffwriteKey=a", "")],
    )
    def test_is_found(self, query: bytes, key: str) -> None:
        assert query_key(query) == key


class TestAgreed:
    @pytest.mark.parametrize("keys", [("a", "", None), ("a", "a"), (None, "a", 5)])
    def test_one_key_is_taken_wherever_it_came_from(self, keys: tuple[object, ...]) -> None:
        assert agreed(*keys) == "a"

    def test_two_keys_are_refused(self) -> None:
        with pytest.raises(KeysDisagreeError):
            agreed("a", "b")

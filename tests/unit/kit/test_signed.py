import datetime as dt
import os

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from kit.errors import UnauthenticatedError
from kit.http.signed import AGE_S, Signatures, SignedRequest

NOW = 1_790_000_000
COVERED = ("@method", "@authority", "@path")


@pytest.fixture
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture
def clock():
    return [NOW]


@pytest.fixture
def signatures(key, clock):
    known = {"shop": key.public_key().public_bytes_raw()}
    return Signatures(known.get, lambda: clock[0])


def signed(key, *, key_id="shop", at=NOW, nonce=None, covered=COVERED, url="http://127.0.0.1:8080/v1/token"):
    request = httpx.Request("POST", url)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: key}),
    )
    created = dt.datetime.fromtimestamp(at, dt.UTC)
    nonce = os.urandom(16).hex() if nonce is None else nonce
    signer.sign(request, key_id=key_id, created=created, nonce=nonce, covered_component_ids=covered)
    return SignedRequest("POST", str(request.url), request.headers)


class TestVerify:
    def test_who_signed_is_known(self, signatures, key):
        told = signatures.verify(signed(key))
        assert (told.key_id, told.created_at) == ("shop", NOW)

    def test_sent_again_it_is_refused(self, signatures, key):
        request = signed(key)
        signatures.verify(request)
        with pytest.raises(UnauthenticatedError, match="sent before"):
            signatures.verify(request)

    @pytest.mark.parametrize("off_s", [-AGE_S - 1, AGE_S + 1])
    def test_of_another_time_it_is_refused(self, signatures, key, clock, off_s):
        clock[0] += off_s
        with pytest.raises(UnauthenticatedError, match="just now"):
            signatures.verify(signed(key))

    def test_by_the_key_of_somebody_else_it_is_refused(self, signatures):
        with pytest.raises(UnauthenticatedError, match="not valid here"):
            signatures.verify(signed(Ed25519PrivateKey.generate()))

    def test_by_somebody_unknown_it_is_refused_in_the_same_words(self, signatures, key):
        with pytest.raises(UnauthenticatedError, match="not valid here"):
            signatures.verify(signed(key, key_id="nobody"))

    @pytest.mark.parametrize("left_out", COVERED)
    def test_with_too_little_signed_it_is_refused(self, signatures, key, left_out):
        with pytest.raises(UnauthenticatedError, match="not valid here"):
            signatures.verify(signed(key, covered=tuple(each for each in COVERED if each != left_out)))

    @pytest.mark.parametrize("nonce", ["", "short", "x" * 129])
    def test_without_a_fair_nonce_it_is_refused(self, signatures, key, nonce):
        with pytest.raises(UnauthenticatedError, match="nonce"):
            signatures.verify(signed(key, nonce=nonce))

    def test_for_another_door_it_is_refused(self, signatures, key):
        there = signed(key, url="http://elsewhere.example/v1/token")
        with pytest.raises(UnauthenticatedError, match="not valid here"):
            signatures.verify(SignedRequest("POST", "http://127.0.0.1:8080/v1/token", there.headers))

    @pytest.mark.parametrize("headers", [{}, {"signature": "?", "signature-input": "?"}, {"signature": "a=:AA==:"}])
    def test_what_is_no_signature_is_refused(self, signatures, headers):
        with pytest.raises(UnauthenticatedError):
            signatures.verify(SignedRequest("POST", "http://127.0.0.1:8080/v1/token", headers))

    def test_a_nonce_is_forgotten_once_it_cannot_come_again(self, signatures, key, clock):
        for _ in range(5):
            signatures.verify(signed(key, at=clock[0]))
            clock[0] += 2 * AGE_S + 1
        assert len(signatures._seen) == 1

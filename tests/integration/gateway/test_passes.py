import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from kit.credentials import Credential, Credentials


@pytest.fixture
def signer(gateway, tmp_path):
    """What asks a gateway for a pass as somebody who may read personas."""
    key = Ed25519PrivateKey.generate()
    credentials = Credentials(tmp_path / "credentials.json", gateway.keyring.current("pepper").secret)
    public_key = key.public_key().public_bytes_raw().hex()
    kid = credentials.enrol(Credential("", "source", "oak", "app:shop", "", ("app",), public_key=public_key)).kid
    signing = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={kid: key}),
    )

    def request():
        asked = gateway.http.build_request("POST", "/v1/token")
        covered = ("@method", "@authority", "@path")
        signing.sign(asked, key_id=kid, nonce=os.urandom(16).hex(), covered_component_ids=covered)
        return asked

    return request


class TestToken:
    async def test_a_signature_is_exchanged_for_what_opens_the_door(self, gateway, signer):
        answer = await gateway.http.send(signer())
        assert answer.status_code == 200
        bearer = {"authorization": f"Bearer {answer.json()['token']}"}
        read = await gateway.http.post("/v1/persona", json={"userId": "ada"}, headers=bearer)
        assert read.status_code == 200

    async def test_the_same_request_is_taken_once(self, gateway, signer):
        request = signer()
        assert (await gateway.http.send(request)).status_code == 200
        again = await gateway.http.send(request)
        assert (again.status_code, again.json()["code"]) == (401, "UNAUTHENTICATED")

    async def test_an_unsigned_request_is_refused(self, gateway):
        assert (await gateway.http.post("/v1/token")).status_code == 401

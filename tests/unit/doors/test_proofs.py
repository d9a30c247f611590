import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.common.v1.subject_pb2 import FormerId, Subject
from doors.proofs import PERSON, REMOVAL, ProofInvalidError, Proofs, Proven
from kit.keyring import FolderKeyRing

SUBJECT = Subject(
    brand="oak",
    audience="app:shop",
    eid=bytes(range(16)),
    version=3,
    former=[FormerId(version=number, eid=bytes([number] * 16)) for number in (2, 1)],
)


class Clock:
    now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proofs(keyring: FolderKeyRing, clock: Clock) -> Proofs:
    keyring.ensure("edge")
    return Proofs(keyring, clock)


def refuses(proofs: Proofs, proof: str, use: str) -> bool:
    with pytest.raises(ProofInvalidError) as refused:
        proofs.read(proof, use)
    # One word for all of them: what is wrong would tell whether there is anybody.
    return (refused.value.reason, refused.value.message) == ("PROOF_INVALID", "this proves nothing here")


class TestProofs:
    def test_it_says_who_holds_it_and_what_it_is_about(self, proofs: Proofs) -> None:
        proof, ends_at = proofs.issue(Proven(SUBJECT, "tea-1"), REMOVAL, 60)
        assert proofs.read(proof, REMOVAL) == Proven(SUBJECT, "tea-1")
        assert ends_at == 1_750_000_060

    def test_it_names_nobody(self, proofs: Proofs) -> None:
        proof, _ = proofs.issue(Proven(SUBJECT), PERSON, 60)
        assert SUBJECT.eid.hex() not in proof
        assert proof != proofs.issue(Proven(SUBJECT), PERSON, 60)[0]

    def test_one_that_removes_an_offer_opens_nothing_else(self, proofs: Proofs) -> None:
        assert refuses(proofs, proofs.issue(Proven(SUBJECT, "tea-1"), REMOVAL, 60)[0], PERSON)

    def test_it_ends(self, proofs: Proofs, clock: Clock) -> None:
        proof, _ = proofs.issue(Proven(SUBJECT), PERSON, 60)
        clock.now += 60
        assert refuses(proofs, proof, PERSON)

    def test_it_outlives_a_turn_of_the_edge_key_and_not_its_end(self, proofs: Proofs, keyring: FolderKeyRing) -> None:
        proof, _ = proofs.issue(Proven(SUBJECT), PERSON, 60)
        keyring.create("edge")
        assert proofs.read(proof, PERSON).subject == SUBJECT
        keyring.destroy("edge", "1")
        assert refuses(proofs, proof, PERSON)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(max_size=80) | st.from_regex(r"\A1\.[A-Za-z0-9_-]{0,120}\Z"))
    def test_anything_else_is_refused_alike(self, proofs: Proofs, made_up: str) -> None:
        assert refuses(proofs, made_up, PERSON)

import os

from contracts.interaction.v1 import interaction_pb2
from contracts.profile.v1.events_pb2 import InteractionsFolded, Lessons
from contracts.profile.v1.lessons import associated_data
from kit.epochs import EpochKeys
from kit.sealing import open_sealed
from services.profile import messages
from services.profile.folding import Lesson
from services.profile.views import Signal


def lesson(number):
    return Lesson(
        tuple(f"before-{number}-{each}" for each in range(100)), (Signal(f"item{number}", number, 0.5, ("tea",)),)
    )


class TestAnnounce:
    def test_lessons_are_cut_into_messages_that_fit(self, keyring):
        epochs = EpochKeys(keyring)
        announced = messages.announce("oak", [lesson(number) for number in range(500)], epochs, os.urandom)
        assert len(announced) > 1
        assert all(len(message) < 300_000 for message in announced)
        learnt = []
        for message in announced:
            folded = InteractionsFolded.FromString(message)
            aad = associated_data(folded.batch_id, "oak")
            opened = open_sealed(epochs.opener(folded.epoch_key_id), folded.nonce, folded.ciphertext, aad)
            learnt += [each.learnt[0].item for each in Lessons.FromString(opened).lessons]
        assert learnt == [f"item{number}" for number in range(500)]

    def test_no_lesson_is_no_message(self, keyring):
        assert messages.announce("oak", [], EpochKeys(keyring), os.urandom) == []


class TestEpochKeyOf:
    def test_is_read_from_both_kinds_of_message(self):
        received = interaction_pb2.Envelope(
            batch_id=b"b" * 16, brand="oak", partition=1, epoch_key_id="7"
        ).SerializeToString()
        folded = InteractionsFolded(brand="oak", batch_id=b"b" * 16, epoch_key_id="8").SerializeToString()
        assert [messages.epoch_key_of(message) for message in (received, folded, b"\xff")] == ["7", "8", ""]

"""Says what known interactions teach as a folder would: sealed lessons on the stream."""

import secrets
from collections.abc import Iterable, Iterator

from nats.js import JetStreamContext

from contracts.profile.v1.events_pb2 import InteractionsFolded, Learnt, Lesson, Lessons
from contracts.profile.v1.lessons import associated_data
from kit.epochs import EpochKeys
from kit.sealing import seal
from maskenball.evaluate.interactions import Indices, Interactions

#: A persona remembers this many interactions; a lesson tells no more of what came before.
REMEMBERED = 128
# What is folded together when a folder is behind: one lesson a user teaches of all these what many small ones would.
_INTERACTIONS_A_FOLD = 20_000
# Keeps a message far below the stream's largest, whatever the histories.
_LEARNT_A_MESSAGE = 500


async def teach(stream: JetStreamContext, epochs: EpochKeys, brand: str, lessons: Iterator[Lessons]) -> int:
    """Publish the lessons and return the sequence of the last message."""
    sequence = 0
    for message in lessons:
        key_id, key = epochs.current()
        batch_id = secrets.token_bytes(16)
        nonce, ciphertext = seal(key, message.SerializeToString(), associated_data(batch_id, brand))
        folded = InteractionsFolded(
            brand=brand, batch_id=batch_id, epoch_key_id=key_id, nonce=nonce, ciphertext=ciphertext
        )
        sequence = (await stream.publish(f"profile.v1.folded.{brand}", folded.SerializeToString())).seq
    return sequence


def lessons_of(interactions: Interactions, known: Indices) -> Iterator[Lessons]:
    """Yield the known interactions in the order of time, fold by fold, with one lesson per user of each."""
    histories: dict[int, list[str]] = {}
    ordered = interactions.in_order(known)
    for start in range(0, len(ordered), _INTERACTIONS_A_FOLD):
        new: dict[int, list[int]] = {}
        for entry in ordered[start : start + _INTERACTIONS_A_FOLD].tolist():
            new.setdefault(int(interactions.users[entry]), []).append(entry)
        yield from _messages(
            _lesson(interactions, histories.setdefault(user, []), entries[begin : begin + _LEARNT_A_MESSAGE])
            for user, entries in new.items()
            for begin in range(0, len(entries), _LEARNT_A_MESSAGE)
        )


def _messages(lessons: Iterable[Lesson]) -> Iterator[Lessons]:
    message, learnt = Lessons(), 0
    for lesson in lessons:
        if learnt and learnt + len(lesson.learnt) > _LEARNT_A_MESSAGE:
            yield message
            message, learnt = Lessons(), 0
        message.lessons.append(lesson)
        learnt += len(lesson.learnt)
    if learnt:
        yield message


def _lesson(interactions: Interactions, history: list[str], entries: list[int]) -> Lesson:
    before = history[-REMEMBERED:]
    learnt = [
        Learnt(item=str(interactions.items[entry]), at_ms=int(interactions.at_ms[entry]), weight=1.0)
        for entry in entries
    ]
    history.extend(each.item for each in learnt)
    return Lesson(before=before, learnt=learnt)

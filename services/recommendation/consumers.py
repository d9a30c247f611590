"""Learns from the stream of lessons, saves in time, and fits again when enough is new."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import nats.errors
from google.protobuf.message import DecodeError
from nats.js import JetStreamContext
from prometheus_client import Counter, Gauge

from contracts.profile.v1.events_pb2 import InteractionsFolded, Lessons
from contracts.profile.v1.lessons import associated_data
from kit.aside import UnfinishedError
from kit.cancelling import raise_if_cancelled, rest
from kit.db import Database
from kit.epochs import EpochKeys
from kit.errors import TypedError, UnavailableError
from kit.events import Message, forget
from kit.keyring import KeyMissingError
from kit.sealing import UnsealableError, open_sealed
from kit.telemetry import logger
from services.recommendation import convert, use_cases
from services.recommendation.domain import DeadLetter
from services.recommendation.model import Models
from services.recommendation.settings import RankingPack

STREAM = "PROFILE"
SUBJECTS = "profile.v1.folded.*"
DURABLE = "recommendation-learns"

_LOG = logger(__name__)
_LESSONS = Counter("recommendation_lessons_total", "Lessons learnt")
_SET_ASIDE = Counter("recommendation_set_aside_total", "Messages that could not be learnt", ("reason",))
_SAVED = Gauge("recommendation_saved_sequence", "Stream sequence up to which sums are durable")
# A save may take this share of the time between saves, however large the sums have grown.
_SAVING_SHARE = 0.05
# A fit takes this share of the time between two: what a brand teaches all day must not be fitted all day.
_FITTING_SHARE = 0.2


class UnreadableError(TypedError):
    """The message is not what the contract says."""

    reason = "UNREADABLE"


class Learner:
    """Takes messages in the order of the stream. Sums in memory run ahead of the database by at most one save.

    A message is safe to acknowledge before it is saved: after a crash the stream is read again from the saved position.
    """

    def __init__(
        self, models: Models, database: Database, stream: JetStreamContext, epochs: EpochKeys, pack: RankingPack
    ) -> None:
        self._models = models
        self._database = database
        self._stream = stream
        self._epochs = epochs
        self._pack = pack
        self._learnt = asyncio.Event()

    async def handle(self, messages: Sequence[Message]) -> None:
        """Learn messages; those learnt before add nothing, those that cannot be learnt are set aside."""
        async with self._models.writing:
            for message in messages:
                self._take(message.sequence, message.data)
                # Lessons are heavy; requests must not wait for all of them.
                await asyncio.sleep(0)
        self._learnt.set()

    async def keep_saving(self, stop: asyncio.Event, every_s: float, now: Callable[[], datetime]) -> None:
        """Save while there is something new, and once more at the end."""
        loop = asyncio.get_running_loop()
        pause = every_s
        while not await rest(stop, pause):
            started = loop.time()
            await self._try_to_save(now())
            pause = max(every_s, (loop.time() - started) / _SAVING_SHARE)
        await self._try_to_save(now())

    async def _try_to_save(self, now: datetime) -> None:
        try:
            await self.save(now)
        except (UnavailableError, nats.errors.Error) as error:
            # Nothing is lost: it stays in memory, and after a crash the stream is read again from the saved position.
            _LOG.warning("save.failed", exc_info=error)

    async def save(self, now: datetime) -> None:
        """Make everything in memory durable in one transaction; on failure it stays unsaved."""
        async with self._models.writing:
            if not self._models.is_unsaved:
                return
            async with self._database.transaction() as connection:
                await use_cases.save(connection, self._models, now)
            self._models.saved()
        _SAVED.set(self._models.saved_sequence)
        # The stream refuses lessons when it is full, and nobody else listens to them.
        await forget(self._stream, STREAM, SUBJECTS, self._models.saved_sequence)

    async def keep_fitting(self) -> None:
        """Fit each brand again whenever enough is new, until cancelled."""
        self._learnt.set()
        while True:
            await self._learnt.wait()
            raise_if_cancelled()
            self._learnt.clear()
            due = [brand for brand, model in self._models.brands.items() if model.is_due(self._pack.refit)]
            for brand in due:
                await asyncio.sleep(await self._try_to_fit(brand) / _FITTING_SHARE)

    async def _try_to_fit(self, brand: str) -> float:
        started = time.perf_counter()
        try:
            version, seconds = await use_cases.fit(self._models, brand, self._pack.blend, self._pack.choosing)
        except UnfinishedError as error:
            # Answers go on with what was fitted before.
            _LOG.warning("fit.failed", exc_info=error)
            self._learnt.set()
            return max(time.perf_counter() - started, 1.0)
        _LOG.info("model.fitted", version=version, seconds=round(seconds, 3))
        return seconds

    def _take(self, sequence: int, data: bytes) -> None:
        try:
            batch = self._open(sequence, data)
        except (KeyMissingError, UnsealableError, UnreadableError) as error:
            _SET_ASIDE.labels(error.reason).inc()
            _LOG.warning("lesson.set_aside", sequence=sequence, reason=error.reason)
            use_cases.set_aside(self._models, DeadLetter(sequence, error.reason, data))
            return
        if use_cases.learn(self._models, batch):
            _LESSONS.inc(len(batch.lessons))

    def _open(self, sequence: int, data: bytes) -> use_cases.Batch:
        try:
            folded = InteractionsFolded.FromString(data)
            key = self._epochs.opener(folded.epoch_key_id)
            aad = associated_data(folded.batch_id, folded.brand)
            lessons = Lessons.FromString(open_sealed(key, folded.nonce, folded.ciphertext, aad))
        except DecodeError:
            raise UnreadableError from None
        return use_cases.Batch(sequence, folded.brand, folded.batch_id, convert.lessons(lessons))

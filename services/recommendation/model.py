"""What the process keeps in memory: a model per brand, the stream position they stand at, and what is not saved yet."""

import asyncio
from collections import deque

import numpy as np

from services.recommendation.domain import Bounds, Choosing, DeadLetter, Position, Refit
from services.recommendation.ranking import Fitted
from services.recommendation.sample import Sample
from services.recommendation.sums import Sums

#: Batches announced twice come soon after one another; this many of the newest are remembered, over all brands.
REMEMBERED_BATCHES = 100_000


class Model:
    """One brand's sums, which grow with every lesson, and the weights fitted to them last."""

    def __init__(self, bounds: Bounds, version: int = 0) -> None:
        self.sums = Sums(bounds)
        self.fitted = Fitted(np.zeros((0, 0), np.float32), version)
        self.fitted_interactions = 0
        #: How many there were when the brand's own mixes were chosen; 0 before.
        self.chosen_interactions = 0
        self.sample = Sample(bounds.sampled)
        self.sequence = 0
        self.is_fit_unsaved = False

    def is_due(self, refit: Refit) -> bool:
        """Tell whether enough is new to fit again; the first fit waits for nothing."""
        new = self.sums.interactions - self.fitted_interactions
        if not len(self.fitted.weights):
            return new > 0
        return new >= max(refit.least, refit.share * self.sums.interactions)

    def has_outgrown(self, choosing: Choosing) -> bool:
        """Tell whether the brand has grown enough since its mixes were chosen to choose again."""
        return self.sums.interactions >= choosing.growth * self.chosen_interactions


class Models:
    """All brands. Sums, position, batches and dead letters change together on the loop and are saved together.

    Whoever changes them, or saves them, holds `writing`; reading needs no lock, because nothing awaits half-way.
    Whoever fits holds `fitting`: two fits at once would use the memory of both.
    """

    def __init__(self, bounds: Bounds, position: Position) -> None:
        self.position = position
        self.saved_sequence = position.sequence
        self.brands: dict[str, Model] = {}
        self.writing = asyncio.Lock()
        self.fitting = asyncio.Lock()
        self.is_unsaved = False
        self.unsaved_batches: list[tuple[str, bytes, int]] = []
        self.unsaved_letters: list[DeadLetter] = []
        self._bounds = bounds
        self._batches: set[tuple[str, bytes]] = set()
        self._batch_order: deque[tuple[str, bytes]] = deque()

    def of(self, brand: str) -> Model:
        """Return the brand's model; one that has learnt nothing for a brand nobody spoke of."""
        return self.brands.get(brand) or Model(self._bounds)

    def opened(self, brand: str) -> Model:
        """Return the brand's model, to be learnt into."""
        return self.brands.setdefault(brand, Model(self._bounds))

    def knows_batch(self, brand: str, batch_id: bytes) -> bool:
        """Tell whether the batch was learnt."""
        return (brand, batch_id) in self._batches

    def remember_batch(self, brand: str, batch_id: bytes) -> None:
        """Note that the batch was learnt; the oldest is forgotten when there are too many."""
        self._batches.add((brand, batch_id))
        self._batch_order.append((brand, batch_id))
        if len(self._batch_order) > REMEMBERED_BATCHES:
            self._batches.discard(self._batch_order.popleft())

    def moved(self, sequence: int) -> None:
        """Note that everything up to `sequence` is in the sums."""
        self.position = Position(self.position.stream, self.position.created_at, sequence)
        self.is_unsaved = True

    def saved(self) -> None:
        """Note that everything in memory is durable."""
        self.saved_sequence = self.position.sequence
        self.is_unsaved = False
        self.unsaved_batches.clear()
        self.unsaved_letters.clear()
        for model in self.brands.values():
            model.sums.changed_items.clear()
            model.sums.changed_slots.clear()
            model.is_fit_unsaved = False

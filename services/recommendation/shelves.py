"""What every brand can offer and what was learnt about acts, in memory: looked at anew twice a second."""

import asyncio

from kit.cancelling import rest
from kit.db import Database
from kit.errors import UnavailableError
from kit.telemetry import logger
from kit.tenancy import acting_for_every_brand
from services.recommendation.deciding import Answers, Customs, Experience, Policy, Promise, Ranked, Rules, Shelf
from services.recommendation.domain import Blend
from services.recommendation.model import Models
from services.recommendation.repository import decisions, policies
from services.recommendation.sealed import decode_terms

_LOG = logger(__name__)
_LOOK_S = 0.5
_EMPTY = Shelf((), {})
_NONE = Customs()


class Shelves:
    """Shelves are made in a thread: a hundred thousand items take a good part of a second."""

    def __init__(self, models: Models, blend: Blend, database: Database, rules: Rules) -> None:
        self._models = models
        self._blend = blend
        self._database = database
        self._shelves: dict[str, Shelf] = {}
        #: Revision of the terms and version of the fit that a brand's shelf was made from.
        self._made_from: dict[str, tuple[int, int]] = {}
        self._answers: dict[str, dict[int, Answers]] = {}
        self._customs: dict[str, Customs] = {}
        self._rules = rules
        self._promises: dict[str, Promise] = {}
        self._policies: dict[str, Policy] = {}
        self._unknown = Promise({}, rules)
        self._experiences: dict[str, Experience] = {}
        self._inexperienced = Experience({}, rules)
        self._looking = asyncio.Lock()

    def ranked(self, brand: str) -> Ranked:
        """Return the brand's model with what it can offer."""
        model = self._models.of(brand)
        return Ranked(model.sums, model.fitted, self._blend, self._shelves.get(brand, _EMPTY))

    def experience(self, brand: str) -> Experience:
        """Return what was learnt about acts."""
        return self._experiences.get(brand, self._inexperienced)

    def customs(self, brand: str) -> Customs:
        """Return what was learnt about when to speak."""
        return self._customs.get(brand, _NONE)

    def promise(self, brand: str) -> Promise:
        """Return the brand's bandit."""
        return self._promises.get(brand, self._unknown)

    def policy(self, brand: str) -> Policy:
        """Return what the brand has said shall draw."""
        return self._policies.get(brand, Policy.SOFTMAX)

    async def look(self) -> None:
        """Take up what has changed of any brand, in this process or another; it is in force when this returns."""
        with acting_for_every_brand():
            async with self._looking:
                self._hear(await decisions.list_answers(self._database))
                self._policies = await policies.list_policies(self._database)
                customs = await decisions.list_customs(self._database)
                self._customs = {brand: Customs.uncounted(counted) for brand, counted in customs.items()}
                revisions = await decisions.list_revisions(self._database)
                for brand in revisions.keys() | self._models.brands.keys():
                    await self._renew(brand, revisions.get(brand, 0))

    async def look_at(self, brand: str) -> None:
        """Take up what has changed of one brand's offers; for whoever acts for it."""
        async with self._looking:
            revisions = await decisions.list_revisions(self._database)
            await self._renew(brand, revisions.get(brand, 0))

    async def keep_looking(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        while not await rest(stop, _LOOK_S):
            try:
                await self.look()
            except UnavailableError as error:
                # Decisions go on with what was seen last; without the database there are none.
                _LOG.warning("shelves.unseen", exc_info=error)

    def _hear(self, answers: dict[str, dict[int, Answers]]) -> None:
        for brand, taught in answers.items():
            if taught != self._answers.get(brand):
                self._promises[brand] = Promise(taught, self._rules)
                self._experiences[brand] = Experience(taught, self._rules)
        self._answers = answers

    async def _renew(self, brand: str, revision: int) -> None:
        state = revision, self._models.of(brand).fitted.version
        if self._made_from.get(brand) == state:
            return
        kept = await decisions.list_offers(self._database, brand)
        # The learner goes on adding items.
        learnt = tuple(self._models.of(brand).sums.items)
        self._shelves[brand] = await asyncio.to_thread(_shelf, learnt, kept)
        self._made_from[brand] = state


def _shelf(learnt: tuple[str, ...], kept: list[bytes]) -> Shelf:
    terms = [decode_terms(body) for body in kept]
    return Shelf(learnt, {each.item: each for each in terms})

"""One visit of one visitor to one avatar: what each frame changes in it."""

from dataclasses import dataclass, replace

from services.avatar import manners as rules
from services.avatar.domain import MAX_MET, MAX_STEPS, Event, Outcome, StepUnknownError
from services.avatar.manners import Approach, Manners
from services.avatar.remembering import NOTHING, Learnt, put_first


@dataclass(frozen=True, slots=True)
class Step:
    """Something offered: the greeting (no item) or an item; outcome is empty until it is reported."""

    ref: str
    item: str = ""
    outcome: str = ""
    #: Id of the decision behind it, in hex; empty for none.
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Encounter:
    """State of a visit. Holds refs of items and no word of the visitor."""

    language: str
    manners: Manners
    greeting: str = ""
    tried: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    unanswered: int = 0

    @property
    def shown(self) -> str:
        """Item that was shown last; empty for none."""
        return next((step.item for step in reversed(self.steps) if step.item), "")

    def step_behind(self, ref: str) -> Step | None:
        """Return a step by its ref or by the item it showed, the newest first."""
        return next((step for step in reversed(self.steps) if ref and ref in {step.ref, step.item}), None)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an encounter begins with, beside the visit and the time: enough to open another like it."""

    #: Empty for somebody nobody knows.
    pid: bytes
    language: str
    reserve: int
    may_greet: bool
    #: What of the persona it was made from, each time it is given: purpose, what, and the record that allowed it.
    uses: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """An encounter after a frame, and what the frame taught."""

    encounter: Encounter
    learnt: Learnt = NOTHING
    item: str = ""


def begin(arrival: Arrival, approach: Approach, ref: str, now_ms: int) -> Encounter:
    manners = rules.arrive(approach, arrival.reserve, now_ms, may_greet=arrival.may_greet)
    return Encounter(arrival.language, manners, greeting=ref, steps=(Step(ref),))


def observe(encounter: Encounter, event: Event, ref: str, now_ms: int) -> Turn:
    manners = _after(encounter.manners, event, now_ms)
    if event in {Event.DISMISSED, Event.REMOVED}:
        return _dismiss(encounter, ref, manners)
    after = replace(encounter, manners=manners)
    if event in {Event.TRIED, Event.BOUGHT}:
        after = _met(after, ref)
    learnt = Learnt(tried=ref if event is Event.TRIED else "", asked=ref if event is Event.ASKED else "")
    return Turn(after, learnt, ref)


def _after(manners: Manners, event: Event, now_ms: int) -> Manners:
    match event:
        case Event.DISMISSED | Event.REMOVED:
            return rules.dismissed(manners, now_ms)
        case Event.COMPLAINED:
            return rules.ignored(manners, now_ms)
        case Event.LEFT:
            return rules.left(manners, now_ms)
        case Event.TALKED | Event.ASKED:
            return rules.talked(manners)
        case _:
            return manners


def report(encounter: Encounter, ref: str, outcome: Outcome, now_ms: int) -> Turn:
    """Note what became of a step; raises StepUnknownError. To stop needs no step: it is never refused."""
    step = next((each for each in encounter.steps if each.ref == ref), None)
    if step is None:
        if outcome is not Outcome.STOPPED:
            raise StepUnknownError("no such step in this visit", field="ref")
        return _dismiss(encounter, "", rules.step_back(encounter.manners))
    if step.outcome == outcome:
        return Turn(encounter, item=step.item)
    noted = _note(encounter, step, outcome)
    match outcome:
        case Outcome.DONE:
            met = replace(_met(noted, step.item), manners=rules.talked(noted.manners))
            # Whoever takes a suggestion up no longer minds being spoken to.
            return Turn(met, Learnt(tried=step.item, reserve=-1 if step.item else 0), step.item)
        case Outcome.REFUSED:
            return _dismiss(noted, step.item, rules.dismissed(noted.manners, now_ms))
        case Outcome.IGNORED:
            return Turn(replace(noted, manners=rules.ignored(noted.manners, now_ms)), item=step.item)
        case Outcome.STOPPED:
            return _dismiss(noted, step.item, rules.step_back(noted.manners))


def offer(encounter: Encounter, step: Step) -> Encounter:
    return replace(encounter, steps=(*encounter.steps, step)[-MAX_STEPS:])


def forget(encounter: Encounter) -> Encounter:
    """Drop what was met. What protects the visitor stays: an avatar that stepped back does not come forward again."""
    steps = tuple(replace(step, item="", decision="") for step in encounter.steps)
    return replace(encounter, tried=(), dismissed=(), steps=steps)


def _dismiss(encounter: Encounter, ref: str, manners: Manners) -> Turn:
    stepped_back = manners.has_stepped_back and not encounter.manners.has_stepped_back
    after = replace(encounter, manners=manners, dismissed=put_first(ref, encounter.dismissed, MAX_MET))
    return Turn(after, Learnt(dismissed=ref, reserve=1 if stepped_back else 0), ref)


def _met(encounter: Encounter, ref: str) -> Encounter:
    return replace(encounter, tried=put_first(ref, encounter.tried, MAX_MET))


def _note(encounter: Encounter, step: Step, outcome: Outcome) -> Encounter:
    noted = replace(step, outcome=outcome.value)
    return replace(encounter, steps=tuple(noted if each is step else each for each in encounter.steps))

"""An opening answered with what one like it was told: encoded once for each form, with a new token and a new ref."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import Raw

from avatar_adapter import answers
from avatar_adapter.answers import Limits, Moment
from avatar_adapter.cutting import Answer, encode
from contracts.avatar.v1 import avatar_pb2 as pb

# A world asks for one form, in which each greeting is a line of its own.
_MOST_FORMS = 4


class Form(NamedTuple):
    """What an answer is made for: which greeting, its bytes, characters of a line, limits that are told."""

    greeting: int
    answer_bytes: int
    say_characters: int
    limits: Limits


class Encoded(NamedTuple):
    """The answer that fits, without its token; the first action is parted once more, where its ref stands."""

    rest: Answer
    action: tuple[bytes, bytes] | None

    def answer(self, token: str, ref: str) -> Answer:
        """Return the answer to one more opening."""
        told = {"s": token, **self.rest}
        return told if self.action is None else told | {"n": Raw(ref.encode().join(self.action))}


@dataclass(frozen=True, slots=True)
class Again:
    """What was told, how it was encoded before, and the ref of the greeting of one more visit."""

    told: pb.OpenResponse
    forms: dict[Form, Encoded]
    ref: str

    def candidates(self, token: str, limits: Limits, moment: Moment) -> Iterator[Answer]:
        """Yield what fits the visit, then all that `answers.opened` does: in a batch it may have to be shorter."""
        visit, greetings = moment.visit, len(self.told.again.greetings)
        number = visit.id[0] % greetings if greetings else 0
        form = Form(number, visit.answer_bytes, visit.say_characters, limits)
        encoded = self.forms.get(form) or self._encode(form, token, moment)
        if encoded is not None:
            yield encoded.answer(token, self.ref)
        yield from self._opened(form, token, moment)

    def _encode(self, form: Form, token: str, moment: Moment) -> Encoded | None:
        opened = self._opened(form, token, moment)
        fitting = next((each for each in opened if len(encode(each)) <= form.answer_bytes), None)
        if fitting is None:
            return None
        parts = {key: encode(value) for key, value in fitting.items() if key != "s"}
        before, ref, behind = parts.get("n", b"").partition(self.ref.encode())
        if len(self.forms) >= _MOST_FORMS:
            self.forms.clear()
        rest = {key: Raw(part) for key, part in parts.items()}
        encoded = self.forms[form] = Encoded(rest, (before, behind) if ref else None)
        return encoded

    def _opened(self, form: Form, token: str, moment: Moment) -> Iterator[Answer]:
        return answers.opened(self._anew(form.greeting, moment.now_ms), token, form.limits, moment)

    def _anew(self, greeting: int, now_ms: int) -> pb.OpenResponse:
        answer, again = pb.OpenResponse(), self.told.again
        answer.CopyFrom(self.told)
        del answer.grants[:]
        if again.greet_s:
            answer.grants.add(kind="greet", expires_at_ms=now_ms + again.greet_s * 1000)
        if again.greetings:
            answer.next.say = again.greetings[greeting]
            answer.next.ref = self.ref
            answer.next.expires_at_ms = now_ms + again.greet_s * 1000
        return answer

"""What single fields of REST bodies may hold."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from gateway.domain import MAX_VALUE

#: No control characters: databases take no NUL, and what is said to people stands on one line.
LINE = r"^[^\x00-\x1f\x7f]*$"


def _number(told: object) -> object:
    if isinstance(told, str | bool):
        raise ValueError("a number is needed")  # noqa: TRY004 - pydantic makes refusals of ValueError alone
    return told


#: Refuses texts and truth values as numbers. Strict integers would refuse 4.0 too, which is one in JSON.
WHOLE = BeforeValidator(_number)
#: Within what a value may be.
Number = Annotated[float, Field(ge=-MAX_VALUE, le=MAX_VALUE), WHOLE]
RawId = Annotated[str, Field(min_length=1, max_length=512)]
#: A purpose that there is per brand or per pair may name the other side: "link.cross_world@world:mall".
Purpose = Annotated[str, Field(pattern=r"^[a-z]+\.[a-z_]+(@(app|world|brand):[A-Za-z0-9._-]{1,74})?$", max_length=144)]
ItemId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Topic = Annotated[str, Field(min_length=1, max_length=40, pattern=LINE)]
#: What an offer rests on: an item or a topic.
Ground = Annotated[str, Field(min_length=1, max_length=64, pattern=LINE)]
Milliseconds = Annotated[int, Field(ge=0, le=1 << 52), WHOLE]

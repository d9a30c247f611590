"""Binds what an RPC does to the brand that its request names."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import Descriptor

from kit.rpc.performing import Behaviour
from kit.tenancy import acting_for

_FIELD = "brand"
_DEEPEST = 4
#: Names of fields, and whether each is a list.
_Path = tuple[tuple[str, bool], ...]


def for_its_brand(behaviour: Behaviour) -> Behaviour:
    """Return a behaviour whose database sessions see the brand of the request alone, and nothing when it names none."""

    async def behave(request: Any, context: Any) -> Any:
        with acting_for(brand_of(request)):
            return await behaviour(request, context)

    return behave


def brand_of(request: Any) -> str:
    """Return the brand that a message names, itself or in what it is about; of a list the first one's. "" for none."""
    # Services that speak no protobuf know no brand.
    descriptor = getattr(request, "DESCRIPTOR", None)
    for path in () if descriptor is None else _paths(descriptor):
        if brand := _follow(request, path):
            return brand
    return ""


def _follow(message: Any, path: _Path) -> str:
    for name, is_list in path:
        message = getattr(message, name)
        if is_list:
            if not message:
                return ""
            message = message[0]
    return str(message)


@lru_cache
def _paths(descriptor: Descriptor) -> tuple[_Path, ...]:
    # Shallow ones first: what a message says itself counts more than what a part of it says.
    return tuple(sorted(_walk(descriptor, ()), key=len))


def _walk(descriptor: Descriptor, before: _Path) -> Iterator[_Path]:
    for field in descriptor.fields:
        step = (*before, (field.name, bool(field.is_repeated)))
        if field.name == _FIELD and field.message_type is None:
            yield step
        elif field.message_type is not None and len(step) < _DEEPEST:
            yield from _walk(field.message_type, step)

"""Binds what an RPC does to the brand that its request names."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from operator import attrgetter
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
    for read in () if descriptor is None else _readers(descriptor):
        if brand := read(request):
            return str(brand)
    return ""


@lru_cache
def _readers(descriptor: Descriptor) -> tuple[Callable[[Any], Any], ...]:
    # Shallow ones first: what a message says itself counts more than what a part of it says.
    return tuple(map(_reader, sorted(_walk(descriptor, ()), key=len)))


def _reader(path: _Path) -> Callable[[Any], Any]:
    # Nearly always there is no list on the way, and then it is a single call below Python.
    is_plain = not any(is_list for _, is_list in path)
    return attrgetter(".".join(name for name, _ in path)) if is_plain else partial(_follow, path)


def _follow(path: _Path, message: Any) -> Any:
    for name, is_list in path:
        message = getattr(message, name)
        if is_list:
            if not message:
                return ""
            message = message[0]
    return message


def _walk(descriptor: Descriptor, before: _Path) -> Iterator[_Path]:
    for field in descriptor.fields:
        step = (*before, (field.name, bool(field.is_repeated)))
        if field.name == _FIELD and field.message_type is None:
            yield step
        elif field.message_type is not None and len(step) < _DEEPEST:
            yield from _walk(field.message_type, step)

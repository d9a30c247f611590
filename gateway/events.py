"""Tracking events as SDKs send them: only what the door reads is decoded, everything else is skipped over."""

from typing import Any, Generic, TypeVar

import msgspec

P = TypeVar("P", bound=msgspec.Struct)

#: An id as clients send it: text, or a number to be written as text; null and "" mean that there is none.
Id = str | int | float | None


class Consent(msgspec.Struct, rename="camel", gc=False):
    """`context.consent`; the preferences stay bytes, because few requests differ in them."""

    category_preferences: msgspec.Raw = msgspec.Raw()
    #: Strings of IAB's Transparency and Consent Framework, and of its Global Privacy Platform.
    tc_string: str | None = None
    gpp_string: str | None = None


class Library(msgspec.Struct, gc=False):
    """`context.library`."""

    name: Any = None


class Context(msgspec.Struct, rename="camel", gc=False):
    """`context`, of an event or of its whole batch."""

    consent: Consent | None = None
    #: Stays bytes as well: there are few libraries, and each is looked into once.
    library: msgspec.Raw = msgspec.Raw()
    channel: Any = None


class Event(msgspec.Struct, Generic[P], rename="camel", gc=False):
    """One event. `P` holds the properties that the vocabulary reads."""

    type: str | None = None
    event: str | None = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    message_id: Id = None
    timestamp: str | int | float | None = None
    original_timestamp: str | int | float | None = None
    sent_at: Any = None
    name: Any = None
    category: Any = None
    channel: Any = None
    properties: P | None = None
    context: Context | None = None


class Batch(msgspec.Struct, rename="camel", gc=False):
    """A batch as an envelope around events, each still in its own bytes so that a bad one is bad alone."""

    batch: list[msgspec.Raw]
    sent_at: Any = None
    write_key: Any = None
    context: Context | None = None


class Single(msgspec.Struct, rename="camel", gc=False):
    """What stands beside the event itself when a request holds one event."""

    sent_at: Any = None
    write_key: Any = None

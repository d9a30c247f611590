"""Bodies of tracking requests, whatever their Content-Type says: a batch, or one event."""

import json
from typing import Any

import msgspec

from gateway.domain import BadJsonError
from gateway.events import Batch, Single

_BATCH = msgspec.json.Decoder(Batch)
_SINGLE = msgspec.json.Decoder(Single)


def read_batch(body: bytes) -> Batch:
    """Return the envelope of a batch; raises BadJsonError."""
    try:
        return _BATCH.decode(body)
    except msgspec.ValidationError as error:
        raise _misfit(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _repaired_batch(body)


def read_single(body: bytes) -> Batch:
    """Return one event as a batch of its own; raises BadJsonError."""
    try:
        single = _SINGLE.decode(body)
    except msgspec.ValidationError as error:
        raise _misfit(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event = _lenient(body)
        return Batch([_raw(event)], event.get("sentAt"), event.get("writeKey"))
    return Batch([msgspec.Raw(body)], single.sent_at, single.write_key)


def _repaired_batch(body: bytes) -> Batch:
    # Python's SDKs write NaN, and cut-off texts of browsers hold half a surrogate pair. Neither is JSON, yet the other
    # events of the batch are good: each is written anew, NaN as null, and those that stay bad are bad alone.
    envelope = _lenient(body)
    events = envelope.get("batch")
    if not isinstance(events, list):
        raise BadJsonError("the batch is not an array", field="batch")
    rest = {name: value for name, value in envelope.items() if name != "batch"}
    try:
        repaired = _BATCH.decode(json.dumps({**rest, "batch": []}))
    except msgspec.ValidationError as error:
        raise _misfit(error) from None
    repaired.batch = [_raw(event) for event in events]
    return repaired


def _lenient(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        raise BadJsonError("the body is not JSON") from None
    if not isinstance(content, dict):
        raise BadJsonError("the body is not a JSON object")
    return content


def _raw(event: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(event).encode())


def _misfit(error: msgspec.ValidationError) -> BadJsonError:
    return BadJsonError(
        "the body does not fit the tracking API", field=str(error).partition("`$.")[2].removesuffix("`")
    )

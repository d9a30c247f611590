"""Bodies of tracking requests, whatever their Content-Type says: a batch, or one event."""

import json
import math
from typing import Any

import msgspec

from gateway.domain import MAX_EVENTS, BadJsonError
from gateway.events import Batch, Single
from kit.errors import TooLargeError

_BATCH = msgspec.json.Decoder(Batch)
_SINGLE = msgspec.json.Decoder(Single)


def read_batch(body: bytes) -> Batch:
    """Return the envelope of a batch; raises BadJsonError and TooLargeError."""
    try:
        batch = _BATCH.decode(body)
    except msgspec.ValidationError as error:
        raise _misfit(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        batch = _repaired_batch(body)
    if len(batch.batch) > MAX_EVENTS:
        raise TooLargeError("the batch has too many events", field="batch", limit=f"{MAX_EVENTS} events")
    return batch


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
    # events of the batch are good: each is written anew, NaN as null, and those that stay bad are bad alone. What
    # stands around them cannot be set aside: there half a pair becomes a question mark.
    envelope = _lenient(body)
    events = envelope.get("batch")
    if not isinstance(events, list):
        raise BadJsonError("the batch is not an array", field="batch")
    rest = {name: value for name, value in envelope.items() if name != "batch"}
    try:
        around = json.dumps({**rest, "batch": []}, ensure_ascii=False).encode("utf-8", "replace")
        repaired = _BATCH.decode(around)
    except msgspec.ValidationError as error:
        raise _misfit(error) from None
    except RecursionError:
        raise BadJsonError("the body nests too deep") from None
    repaired.batch = [_raw(event) for event in events]
    return repaired


def _lenient(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise BadJsonError("the body is not JSON") from None
    if not isinstance(content, dict):
        raise BadJsonError("the body is not a JSON object")
    return content


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _raw(event: object) -> msgspec.Raw:
    try:
        return msgspec.Raw(json.dumps(event).encode())
    except RecursionError:
        # Read a frame or two higher up than it is written here: no event, whatever it was.
        return msgspec.Raw(b"null")


def _misfit(error: msgspec.ValidationError) -> BadJsonError:
    return BadJsonError(
        "the body does not fit the tracking API", field=str(error).partition("`$.")[2].removesuffix("`")
    )

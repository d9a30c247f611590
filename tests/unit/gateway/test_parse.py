"""Bodies: what is JSON is read, what nearly is costs only its own event, and what is not is refused by name."""

import json

import pytest

from gateway.domain import BadJsonError
from gateway.parse import read_batch, read_single


class TestReadBatch:
    def test_events_stay_in_their_own_bytes(self) -> None:
        batch = read_batch(b'{"batch": [{"a": 1}, 7], "sentAt": "x", "writeKey": "k", "integrations": {}}')
        assert [bytes(raw) for raw in batch.batch] == [b'{"a": 1}', b"7"]
        assert (batch.sent_at, batch.write_key) == ("x", "k")

    def test_nan_is_null_and_half_a_surrogate_pair_stays_in_its_event(self) -> None:
        batch = read_batch(b'{"batch": [{"a": NaN}, {"b": "\\ud83d"}, {"c": 1}], "context": {"channel": "web"}}')
        assert json.loads(bytes(batch.batch[0])) == {"a": None}
        assert bytes(batch.batch[1]) == b'{"b": "\\ud83d"}'
        assert batch.context is not None
        assert batch.context.channel == "web"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            (b"", ""),
            (b"[]", ""),
            (b'{"batch": 5}', "batch"),
            (b"{}", ""),
            (b'{"batch": NaN}', "batch"),
            (b'{"batch": [NaN], "context": 5}', "context"),
            (b'{"batch": [NaN]', ""),
            (b'{"batch": [' + b"[" * 100_000, ""),
            (b'{"batch": [' + b"9" * 5_000 + b", NaN]}", ""),
            (b"\x00", ""),
        ],
    )
    def test_what_is_no_batch_is_named(self, body: bytes, field: str) -> None:
        with pytest.raises(BadJsonError) as refused:
            read_batch(body)
        assert refused.value.field == field


class TestReadSingle:
    def test_event_is_the_body(self) -> None:
        body = b'{"type": "page", "sentAt": "x", "writeKey": "k"}'
        batch = read_single(body)
        assert [bytes(raw) for raw in batch.batch] == [body]
        assert (batch.sent_at, batch.write_key) == ("x", "k")

    def test_nearly_json_is_repaired(self) -> None:
        batch = read_single(b'{"type": "page", "writeKey": "k", "x": Infinity}')
        assert json.loads(bytes(batch.batch[0]))["x"] is None
        assert batch.write_key == "k"

    @pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"[NaN]"])
    def test_what_is_no_object_is_refused(self, body: bytes) -> None:
        with pytest.raises(BadJsonError):
            read_single(body)

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from avatar_adapter import frames
from avatar_adapter.domain import BadJsonError, BodySignalError, UnknownKeyError, UnknownOpError
from kit.errors import InvalidArgumentError, Status, TypedError

SECRET = "joe.doe@example.com"


def refusal(body: bytes) -> TypedError:
    with pytest.raises(TypedError) as raised:
        frames.parse(body)
    return raised.value


class TestParse:
    def test_an_open_frame_is_read(self):
        frame = frames.parse(
            b'{"op":"open","i":"b-1","w":"oak","a":"ada","v":"x","lang":"de-DE","cap":{"max":600,"say":80}}'
        )

        assert isinstance(frame, frames.Open)
        assert (frame.i, frame.w, frame.a, frame.v, frame.cap.max) == ("b-1", "oak", "ada", "x", 600)

    def test_whole_numbers_with_a_point_are_numbers(self):
        frame = frames.parse(b'{"op":"open","cap":{"max":600.0,"say":80.0}}')

        assert isinstance(frame, frames.Open)
        assert (frame.cap.max, frame.cap.say) == (600, 80)

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ('{"op":"obs","s":"1.a","e":"tried","ref":"lamp","dt":2}', frames.Observe),
            ('{"op":"ask","s":"1.a","q":"where?","k":"where"}', frames.Ask),
            ('{"op":"act","s":"1.a","ref":"r1","r":"refused"}', frames.Act),
            ('{"op":"con","s":"1.a","give":["personalise.world"],"take":["*"]}', frames.Consent),
            ('{"op":"fgt","s":"1.a"}', frames.Forget),
            ('{"op":"link","s":"1.a","code":"ab cd"}', frames.Link),
            ('{"op":"unl","s":"1.a","w":"app:shop"}', frames.Unlink),
            ('{"op":"hnd","after":"0a"}', frames.Handles),
            ('{"op":"close","s":"1.a"}', frames.Close),
            ('{"max":2048,"b":[{"op":"close","s":"1.a","i":"1"}]}', frames.Batch),
        ],
    )
    def test_every_frame_is_told_by_its_op(self, body, kind):
        assert isinstance(frames.parse(body.encode()), kind)

    @pytest.mark.parametrize(
        "key", ["gaze", "headRotation", "motion", "voice", "audio_clip", "eyes", "pos", "velocity"]
    )
    def test_body_signals_are_refused_by_name(self, key):
        error = refusal(msgspec.json.encode({"op": "open", "v": "x", key: [1, 2, 3]}))

        assert isinstance(error, BodySignalError)
        assert error.field == key

    def test_body_signals_are_refused_inside_the_capabilities_too(self):
        assert isinstance(refusal(b'{"op":"open","cap":{"gaze":1}}'), BodySignalError)

    def test_an_unknown_key_is_named_and_its_value_is_not(self):
        error = refusal(msgspec.json.encode({"op": "open", "email": SECRET}))

        assert isinstance(error, UnknownKeyError)
        assert error.field == "email"
        assert SECRET not in str(vars(error))

    def test_an_unknown_key_that_is_itself_an_identity_is_not_named(self):
        error = refusal(msgspec.json.encode({"op": "open", SECRET: 1}))

        assert isinstance(error, UnknownKeyError)
        assert error.field == ""

    def test_a_telephone_as_a_key_is_not_named(self):
        assert refusal(b'{"op":"open","01701234567":1}').field == ""

    def test_a_line_feed_is_no_part_of_an_id(self):
        assert refusal(b'{"op":"open","i":"b-1\\n"}').field == "i"

    @pytest.mark.parametrize("body", ['{"op":"poke","s":"1.a"}', "{}", '{"op":5}', '{"s":"1.a"}'])
    def test_an_unknown_op_is_refused(self, body):
        assert isinstance(refusal(body.encode()), UnknownOpError)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"null",
            b"17",
            b'"open"',
            b'{"op":"open"',
            b'{"op":"open"} x',
            b'{"op":"open","v":"\xff"}',
            b'{"op":"open","v":"\\ud800"}',
            b"[" * 60_000,
            b'{"a":' * 10_000,
        ],
    )
    def test_what_is_not_one_json_object_is_bad_json(self, body):
        assert isinstance(refusal(body), BadJsonError)

    @pytest.mark.parametrize(
        ("body", "field", "limit"),
        [
            ('{"op":"open","v":"%s"}' % ("x" * 129), "v", "128"),
            ('{"op":"open","cap":{"max":159}}', "cap.max", "160"),
            ('{"op":"open","cap":{"say":9}}', "cap.say", "16"),
            ('{"op":"open","lang":"joe-smith"}', "lang", ""),
            ('{"op":"obs","s":"1.a"}', "e", ""),
            ('{"op":"obs","e":"seen"}', "s", ""),
            ('{"op":"obs","s":"1.a","e":"seen","ref":"a b"}', "ref", ""),
            ('{"op":"obs","s":"1.a","e":"seen","ref":"joe@x.org"}', "ref", ""),
            ('{"op":"obs","s":"1.a","e":"seen","dt":-1}', "dt", "0"),
            ('{"op":"obs","s":"1.a","e":"seen","dt":1e9}', "dt", "86400"),
            ('{"op":"ask","s":"1.a","k":"gossip"}', "k", ""),
            ('{"op":"ask","s":"1.a","q":"%s"}' % ("x" * 501), "q", "500"),
            ('{"op":"act","s":"1.a","ref":"r","r":"loved"}', "r", ""),
            ('{"op":"con","s":"1.a","give":["No Such"]}', "give", ""),
            ('{"max":2048,"b":[]}', "b", "1"),
            ('{"b":[' + ",".join(["{}"] * 17) + "]}", "b", "16"),
        ],
    )
    def test_what_does_not_fit_names_field_and_limit(self, body, field, limit):
        error = refusal(body.encode())

        assert isinstance(error, InvalidArgumentError)
        assert (error.field, error.limit) == (field, limit)

    def test_a_bad_frame_in_a_batch_waits_for_its_turn(self):
        batch = frames.parse(b'{"b":[{"op":"close","i":"1","s":"1.a"},{"op":"zzz","i":"2"},3]}')

        assert isinstance(batch, frames.Batch)
        assert [frames.frame_id(raw) for raw in batch.b] == ["1", "2", ""]
        with pytest.raises(UnknownOpError):
            frames.parse_frame(batch.b[1])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
frame_keys = st.sampled_from(
    ["op", "i", "w", "a", "v", "s", "e", "r", "ref", "dt", "q", "k", "cap", "give", "take", "b", "max"]
)
ops = st.sampled_from(["open", "obs", "ask", "act", "con", "fgt", "close"])


class TestParserProperties:
    @given(st.binary(max_size=300))
    def test_any_bytes_are_a_frame_or_a_typed_refusal(self, body):
        error = refusal_of(body)

        assert error is None or error.status is Status.INVALID

    @given(st.dictionaries(frame_keys | st.text(max_size=8), json_values, max_size=6), ops)
    def test_any_object_is_a_frame_or_a_refusal_without_its_values(self, content, op):
        error = refusal_of(msgspec.json.encode({**content, "op": op, "q": SECRET * 30}))

        assert error is not None
        assert error.status is Status.INVALID
        assert SECRET not in f"{error.message}{error.field}{error.limit}"

    @given(st.dictionaries(st.text(min_size=1, max_size=20), json_values, min_size=1, max_size=3))
    def test_no_key_outside_the_contract_passes(self, extra):
        assume(not set(extra) <= {"op", "i", "s"})

        assert refusal_of(msgspec.json.encode({**extra, "op": "close", "s": "1.a"})) is not None


def refusal_of(body):
    try:
        frames.parse(body)
    except TypedError as error:
        return error
    return None

"""Whatever a door is sent, it answers by type, repeats nothing, and logs nothing of it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import bodies
from tests.fuzz.laws import PLANTED, assert_untold
from tests.fuzz.targets import TARGETS

SMALL = (b"", b"\0", b"null", b"{}", b"[]", b'"planted-75317531"', b"\xef\xbb\xbf{}")
# Each has made some parser fail with an error that nobody had typed, or pass what it must not.
ONCE_BROKEN = (
    b'{"batch": [], "writeKey": "\\ud800"}',
    b'{"batch": [NaN], "sentAt": 1e999}',
    b'{"batch": [{"type": "page", "userId": 1, "context": {"library": {"more": %b}}}]}' % (b"9" * 5_000),
    b'{"batch": [NaN], "context": {"a": %b%b}}' % (b"[" * 985, b"]" * 985),
    b'{"b": [{"op": "ask", "i": "\xc7"}]}',
    b'{"op": "open", "i": "b-1\\n"}',
    b'{"op": "open", "49170753175317531": 1}',
    b"1.\xc3\xa4",
    b"C" + b"c" * 119,
)
_EXAMPLES = settings.default.max_examples // 2
#: Their first byte chooses the path.
_BY_PATH = ("tracking", "rest")
_texts = st.binary(max_size=200) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass"))
_near = st.sampled_from(
    (f"Bearer {PLANTED}", "Basic cGxhbnRlZC03NTMxNzUzMTo=", f"writeKey={PLANTED}", "1.AAAA", "5e18")
)
_written = _near.map(str.encode) | _texts
# The example of the GPP specification, cut off and gone on with.
_GPP = b"DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
_signals = st.builds(lambda start, end, more: _GPP[start:end] + more, st.integers(0, 8), st.integers(0, 60), _texts)
_SHAPES = {
    "batch": bodies.batches,
    "tracking": bodies.batches,
    "single": bodies.events,
    "preferences": bodies.consents,
    "frame": bodies.frames,
    "world": bodies.frames,
    "rest": bodies.bodies,
    "moments": bodies.leaves,
}


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data(), first=st.integers(0, 5))
@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_law_holds(name: str, data: st.DataObject, first: int, capfd: pytest.CaptureFixture[str]) -> None:
    near = _signals if name == "strings" else bodies.shaped(_SHAPES[name]) if name in _SHAPES else _written
    sent = data.draw(near | near | bodies.documents())
    TARGETS[name](bytes([first]) + sent if name in _BY_PATH else sent)
    assert_untold(*capfd.readouterr())


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("sent", [*SMALL, *ONCE_BROKEN])
def test_the_small_and_the_once_broken_are_answered_too(name: str, sent: bytes) -> None:
    TARGETS[name](b"\0" + sent if name in _BY_PATH else sent)

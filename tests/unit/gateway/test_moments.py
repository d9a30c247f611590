"""Clock skew: a wrong clock is corrected, the way here is not taken for one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.moments import moment_ms, skew_ms

NOW = 1_795_346_700_000  # 2026-11-22T11:25:00Z


class TestSkew:
    @pytest.mark.parametrize(
        ("sent_at", "skew"),
        [
            ("2026-11-22T12:25:00Z", -3_600_000),
            ("2026-11-22T11:20:00.500Z", 299_500),
            ("2026-11-22T11:24:59Z", 0),
            ("2026-11-22T11:25:01.500+00:00", 0),
            ("yesterday", 0),
            (None, 0),
            ({}, 0),
        ],
    )
    def test_is_what_our_clock_is_ahead(self, sent_at: object, skew: int) -> None:
        assert skew_ms(NOW, sent_at) == skew


def plainly(written: str) -> int | None:
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        return None
    since = (read if read.tzinfo else read.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)


class TestMoment:
    @example(datetime(2000, 1, 1, tzinfo=UTC), 13, "+")
    @given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 23), st.sampled_from("0123456789-:.TWZ +²٣x"))
    def test_the_usual_form_is_read_like_any_other(self, at: datetime, place: int, odd: str) -> None:
        written = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert moment_ms(written) == plainly(written)
        spoilt = written[:place] + odd + written[place + 1 :]
        assert moment_ms(spoilt) == plainly(spoilt)

    @given(st.text("0123456789-:.TWZ+ ", min_size=24, max_size=24))
    def test_whatever_is_as_long(self, written: str) -> None:
        assert moment_ms(written) == plainly(written)

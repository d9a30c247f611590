"""Clock skew: a wrong clock is corrected, the way here is not taken for one."""

import pytest

from gateway.moments import skew_ms

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

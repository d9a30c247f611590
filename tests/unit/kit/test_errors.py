import pytest

from kit import errors
from kit.errors import InvalidArgumentError, RemoteError, Status, TypedError

GENERAL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, TypedError)]


class TestTypedError:
    def test_carries_what_the_caller_may_know(self):
        error = InvalidArgumentError("no such purpose", field="purpose", limit="11 purposes", retry_after_s=3)
        assert (error.message, error.field, error.limit, error.retry_after_s) == (
            "no such purpose",
            "purpose",
            "11 purposes",
            3,
        )

    def test_needs_nothing(self):
        error = InvalidArgumentError()
        assert (error.message, error.field, error.limit, error.retry_after_s) == ("", "", "", 0)

    @pytest.mark.parametrize("kind", GENERAL)
    def test_reasons_are_upper_case(self, kind):
        assert kind.reason == kind.reason.upper()

    def test_a_remote_error_is_what_the_server_said(self):
        error = RemoteError("over", reason="VISIT_GONE", status=Status.GONE, field="visit")
        assert (error.reason, error.status, error.message, error.field) == ("VISIT_GONE", Status.GONE, "over", "visit")

    def test_one_remote_error_does_not_change_another(self):
        RemoteError(reason="ONE", status=Status.GONE)
        assert (RemoteError.reason, RemoteError.status) == ("INTERNAL", Status.INTERNAL)

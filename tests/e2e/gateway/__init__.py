"""SDKs and the door, end to end."""

import pytest

# So that what was found is shown, and not only that it was not what was expected.
pytest.register_assert_rewrite("tests.e2e.gateway.conformance")

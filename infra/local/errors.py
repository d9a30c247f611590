"""Why a local stack cannot start: said to the person at the terminal."""


class StackError(Exception):
    """The stack cannot start or go on; the message says what is missing and how to mend it."""


class StopRequested(Exception):  # noqa: N818 - it is no error: somebody asked us to stop
    """A stop was asked for while the stack was still starting."""

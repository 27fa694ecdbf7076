"""The reasons why the embedded stack does not start, or stops."""


class CannotStart(Exception):
    """The stack can't start. The message says what to do."""


class Stopping(Exception):
    """A signal asked the stack to stop."""

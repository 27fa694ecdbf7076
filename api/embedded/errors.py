"""Why the embedded stack does not start, or stops."""


class CannotStart(Exception):
    """The stack can't start; the sentence says what to do."""


class Stopping(Exception):
    """A person or the system has told the stack to stop."""

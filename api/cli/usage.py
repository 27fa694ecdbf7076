"""Exit codes, and usage errors."""

import typer

from api.cli.output import show_error

REFUSED, USAGE, UNREACHABLE = 1, 2, 3
"""Exit codes: the API refused the request; usage error; the API is unreachable."""


def usage_error(message: str) -> typer.Exit:
    """Print a usage error and return the exception for the caller to raise. It ends the command with exit code 2."""
    show_error(message)
    return typer.Exit(USAGE)

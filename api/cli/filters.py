"""What lists are filtered by."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli.completion import offer_keys
from domain.duration import parse_duration


def point_in_time(text: str) -> str:
    """A time as the API takes it, from one with or without an offset, or from how long ago it was."""
    try:
        return _before_now(text) or datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError) as error:
        message = (
            f"'{text}' is no time: write 2026-01-31, 2026-01-31T09:30, the same with an offset such as +01:00, or how long ago, as 24h"
        )
        raise typer.BadParameter(message) from error


def _before_now(text: str) -> str:
    try:
        return (datetime.now(UTC) - parse_duration(text)).isoformat()
    except ValueError:
        return ""


_TIME = "TIME"
_IN_WORDS = "2026-01-31T09:30, in this machine's zone unless it has an offset, or how long ago (24h)."

SinceThen = Annotated[str | None, typer.Option("--since", metavar=_TIME, parser=point_in_time, help=f"Only from this time on: {_IN_WORDS}")]
UntilThen = Annotated[str | None, typer.Option("--until", metavar=_TIME, parser=point_in_time, help="Only before this time.")]
OnlyFeature = Annotated[str | None, typer.Option("--feature", help="Only this feature.", autocompletion=offer_keys("features"))]
OnlyEnvironment = Annotated[
    str | None, typer.Option("--environment", "-e", help="Only this environment.", autocompletion=offer_keys("environments"))
]
OnlyPipeline = Annotated[
    str | None, typer.Option("--pipeline", help="Only this pipeline, by its key.", autocompletion=offer_keys("pipelines"))
]

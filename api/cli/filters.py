"""Options that filter lists."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.completion import offer_keys
from api.cli.lazy import LazyModule

if TYPE_CHECKING:
    from domain import duration
else:
    duration = LazyModule("domain.duration")


def point_in_time(text: str) -> str:
    """Return the timestamp for the API, given a time with or without an offset, or a duration before now."""
    try:
        return _before_now(text) or datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError) as error:
        message = (
            f"'{text}' is not a time. Use 2026-01-31 or 2026-01-31T09:30, optionally with an offset such as +01:00, "
            "or a duration before now, such as 24h"
        )
        raise typer.BadParameter(message) from error


def _before_now(text: str) -> str:
    try:
        return (datetime.now(UTC) - duration.parse_duration(text)).isoformat()
    except ValueError:
        return ""


_TIME = "TIME"
_FORMAT = "2026-01-31T09:30, in this machine's time zone unless it has an offset, or a duration before now (24h)."

SinceOption = Annotated[str | None, typer.Option("--since", metavar=_TIME, parser=point_in_time, help=f"Only from this time on: {_FORMAT}")]
UntilOption = Annotated[str | None, typer.Option("--until", metavar=_TIME, parser=point_in_time, help="Only before this time.")]
FeatureOption = Annotated[str | None, typer.Option("--feature", help="Only this feature.", autocompletion=offer_keys("features"))]
EnvironmentOption = Annotated[
    str | None, typer.Option("--environment", "-e", help="Only this environment.", autocompletion=offer_keys("environments"))
]
PipelineOption = Annotated[
    str | None, typer.Option("--pipeline", help="Only this pipeline, by its key.", autocompletion=offer_keys("pipelines"))
]

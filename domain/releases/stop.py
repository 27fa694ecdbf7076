"""Stops: while one is active, nothing in its scope acts."""

from datetime import datetime

from domain.entity_tag import entity_tag
from domain.model import Frozen, Moment
from domain.text import Slug


class Stop(Frozen):
    """A stop of a project, or of one of its environments or pipelines, until it is lifted or expires."""

    id: str
    reason: str
    environment: Slug | None = None
    pipeline: Slug | None = None
    placed_at: Moment
    placed_by: str
    placed_by_id: str
    expires_at: Moment | None = None
    lifted_at: Moment | None = None
    lifted_by: str | None = None

    @property
    def etag(self) -> str:
        """The entity tag of the stop."""
        return entity_tag(self)

    def is_active(self, at: datetime) -> bool:
        """True if it is neither lifted nor expired at that time."""
        return self.lifted_at is None and (self.expires_at is None or at < self.expires_at)

    def covers(self, environment: str, pipeline: str) -> bool:
        """True if a stage in that environment, on that pipeline, is in its scope."""
        return self.environment in (None, environment) and self.pipeline in (None, pipeline)

    def in_words(self) -> str:
        """Describe it for people: its scope, the person who placed it, and the reason."""
        scope = [f"environment {self.environment}"] if self.environment else []
        scope += [f"pipeline {self.pipeline}"] if self.pipeline else []
        return f"{self.placed_by} stopped {' on '.join(scope) or 'the project'} at {self.placed_at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"

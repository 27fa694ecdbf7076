"""Request and response bodies of metrics and their sources."""

from typing import Self

from pydantic import BaseModel, Field, model_validator

from activities.store.metric_sources import StoredSource
from api.schemas.connection import Credential
from domain.metrics.condition import Condition, Outcome, Verdict
from domain.metrics.metric import Metric
from domain.metrics.sample import Sample
from domain.metrics.source import MetricSource, SourceKind
from domain.model import Frozen, Moment
from domain.text import Slug


class WriteSource(MetricSource):
    """A metric source with its credential. Without `credential`, the stored one stays, unless the address changes."""

    credential: Credential | None = Field(
        default=None, description="A token, or the password of `username` or of the SQL user. Never in an answer."
    )

    @model_validator(mode="after")
    def _no_credential_of_files(self) -> Self:
        if self.credential is not None and self.is_sqlite:
            raise ValueError("must have no credential: SQLite files need none")
        return self

    @property
    def source(self) -> MetricSource:
        """The source without its credential."""
        return MetricSource(**self.model_dump(exclude={"credential"}))


class SourceView(BaseModel):
    """A metric source. `address` and `username` are null for callers who may not administer the project."""

    key: str
    name: str
    kind: SourceKind
    address: str | None
    username: str | None
    calls: int = Field(description="The most calls at the same time, per process.")
    has_credential: bool
    changed_at: Moment


class SourceCheckView(BaseModel):
    """The result of asking a source something that it can always answer."""

    passed: bool
    message: str


class AskMetric(Frozen):
    """A stored metric by its key, or a definition that need not be stored, and the flag that it is asked about.

    `since` is when the stage would have been entered: by default an hour ago.
    """

    metric: Slug | None = None
    definition: Metric | None = None
    feature: Slug
    environment: Slug
    variant: Slug | None = None
    since: Moment | None = None
    condition: Condition | None = None

    @model_validator(mode="after")
    def _one_metric(self) -> Self:
        if (self.metric is None) == (self.definition is None):
            raise ValueError("must have either `metric`, the key of a stored one, or `definition`")
        return self


class SentQueryView(BaseModel):
    """The query as the source gets it, and for SQL the values that are bound to it."""

    query: str
    parameters: dict[str, str]


class VerdictView(BaseModel):
    """The outcome of judging the sample by the condition."""

    outcome: Outcome
    value: float | None
    message: str


class AnswerView(BaseModel):
    """The answer of a metric's source. `verdict` is null without a condition, and `sent` if the query could not be sent."""

    sample: Sample
    verdict: VerdictView | None
    sent: SentQueryView | None


def source_view(stored: StoredSource, *, shows_address: bool) -> SourceView:
    """Return the view of a source."""
    hidden = {} if shows_address else {"address": None, "username": None}
    return SourceView(**stored.source.model_dump() | hidden, has_credential=stored.sealed is not None, changed_at=stored.changed_at)


def verdict_view(verdict: Verdict) -> VerdictView:
    """Return the view of a verdict."""
    return VerdictView(**verdict._asdict())

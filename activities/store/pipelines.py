"""Pipeline versions. Drafts are replaced as a whole; published versions never change but can be archived."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.identifiers import new_id
from activities.store.keyed_repository import key_taken
from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import pipelines, releases
from domain.entity_tag import UNCONDITIONAL, Precondition
from domain.errors import DraftChanged, NotFound
from domain.pipelines.pipeline import Pipeline, PipelineDefinition, PipelineStatus
from domain.text import MOST_COMPARED, did_you_mean

_DRAFT = PipelineStatus.DRAFT.value
_PUBLISHED = PipelineStatus.PUBLISHED.value


class PipelineRepository:
    """The pipelines of one project."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, project_id: str, definition: PipelineDefinition, at: datetime, version: int = 1) -> Pipeline:
        """Insert a draft: version 1 of a new key, or the next version of an existing one. Raises Conflict if that version exists."""
        pipeline = Pipeline(id=new_id(), version=version, revision=1, status=PipelineStatus.DRAFT, definition=definition)
        values = {"id": pipeline.id, "project_id": project_id, "version": version, "revision": 1, "status": _DRAFT, "created_at": at}
        try:
            self.connection.execute(insert(pipelines).values(**values, **_written(definition)))
        except IntegrityError as error:
            raise key_taken("pipeline", definition.key) from error
        return pipeline

    def get(self, project_id: str, id_or_key: str) -> Pipeline:
        """Return a version by id, or by key the newest published one, archived or not, else the draft. Raises NotFound."""
        return self._find(project_id, id_or_key, pipelines.c.status == _DRAFT)

    def to_change(self, project_id: str, id_or_key: str) -> Pipeline:
        """Return a version by id, or by key the draft, else the newest published one, and lock its row. Raises NotFound."""
        return self._find(project_id, id_or_key, pipelines.c.status != _DRAFT, lock=True)

    def versions(self, project_id: str, key: str) -> list[Pipeline]:
        """Return all versions of a key, drafts included, oldest first."""
        query = select(pipelines).where(pipelines.c.project_id == project_id, pipelines.c.key == key)
        return [_read(row) for row in self.connection.execute(query.order_by(pipelines.c.version))]

    def keys(self, project_id: str) -> list[str]:
        """The keys of pipelines in a project, for suggestions: as many as are compared."""
        query = select(pipelines.c.key).where(pipelines.c.project_id == project_id).distinct()
        return list(self.connection.execute(query.order_by(pipelines.c.key).limit(MOST_COMPARED)).scalars())

    def version(self, pipeline_id: str) -> Pipeline:
        """Return the version that a release runs on."""
        return _read(self.connection.execute(select(pipelines).where(pipelines.c.id == pipeline_id)).one())

    def replace(self, pipeline: Pipeline, definition: PipelineDefinition, precondition: Precondition = UNCONDITIONAL) -> Pipeline:
        """Replace a draft as a whole. Raises NotADraft, DraftChanged, or Conflict if the new key is not possible."""
        self.check_draft(pipeline, precondition)
        pipeline.check_may_become(definition)
        replaced = pipeline.model_copy(update={"definition": definition, "revision": pipeline.revision + 1})
        try:
            self._change(pipeline, revision=replaced.revision, **_written(definition))
        except IntegrityError as error:
            raise key_taken("pipeline", definition.key) from error
        return replaced

    def publish(self, pipeline: Pipeline, at: datetime, by: str, precondition: Precondition = UNCONDITIONAL) -> Pipeline:
        """Publish a draft, which makes it immutable. Raises NotADraft or DraftChanged."""
        self.check_draft(pipeline, precondition)
        published = pipeline.published(at, by)
        self._change(pipeline, status=published.status.value, published_at=at, published_by=by)
        return published

    def archive(self, project_id: str, key: str) -> list[int]:
        """Archive a key's published versions and return them. Doing this twice is the same as doing it once."""
        versions = [each.version for each in self.versions(project_id, key) if each.status is PipelineStatus.PUBLISHED]
        open_ones = (pipelines.c.project_id == project_id) & (pipelines.c.key == key) & (pipelines.c.status == _PUBLISHED)
        self.connection.execute(update(pipelines).where(open_ones).values(status=PipelineStatus.ARCHIVED.value))
        return versions

    def delete(self, pipeline: Pipeline, precondition: Precondition = UNCONDITIONAL) -> None:
        """Delete a draft. Raises NotADraft or DraftChanged."""
        self.check_draft(pipeline, precondition)
        self.connection.execute(delete(pipelines).where(pipelines.c.id == pipeline.id, pipelines.c.status == _DRAFT))

    def check_draft(self, pipeline: Pipeline, precondition: Precondition = UNCONDITIONAL) -> None:
        """Raise NotADraft for a published version, DraftChanged for a draft that has been replaced."""
        pipeline.check_is_draft()
        if not precondition.allows(pipeline.etag):
            raise DraftChanged("The draft was replaced after you read it: read it again.", revision=pipeline.revision)

    def page(self, project_id: str, wanted: Slice) -> Page[Pipeline]:
        """Return versions of all pipelines, newest first."""
        query = select(pipelines).where(pipelines.c.project_id == project_id)
        return fetch_page(self.connection, query, pipelines.c.id, wanted, _read, newest_first=True)

    def published(self, project_id: str) -> list[Pipeline]:
        """Return every published version, archived ones included."""
        query = select(pipelines).where(pipelines.c.project_id == project_id, pipelines.c.status != _DRAFT)
        return [_read(row) for row in self.connection.execute(query.order_by(pipelines.c.key, pipelines.c.version))]

    def counts(self, ids: list[str]) -> Mapping[str, Mapping[str, int]]:
        """Return pipeline id -> status -> number of releases."""
        query = select(releases.c.pipeline_id, releases.c.status, func.count().label("number"))
        rows = self.connection.execute(query.where(releases.c.pipeline_id.in_(ids)).group_by(releases.c.pipeline_id, releases.c.status))
        counted: dict[str, dict[str, int]] = {id_: {} for id_ in ids}
        for row in rows:
            counted[row.pipeline_id][row.status] = row.number
        return counted

    def _find(self, project_id: str, id_or_key: str, last: ColumnElement[bool], *, lock: bool = False) -> Pipeline:
        query = select(pipelines).where(pipelines.c.project_id == project_id)
        newest = query.where(pipelines.c.key == id_or_key).order_by(last, pipelines.c.version.desc()).limit(1)
        for attempt in (query.where(pipelines.c.id == id_or_key), newest):
            row = self.connection.execute(attempt.with_for_update() if lock else attempt).one_or_none()
            if row is not None:
                return _read(row)
        raise NotFound(f"There is no pipeline '{id_or_key}'.{did_you_mean(id_or_key, self.keys(project_id))}")

    def _change(self, pipeline: Pipeline, **values: Any) -> None:
        unchanged = (pipelines.c.id == pipeline.id) & (pipelines.c.status == _DRAFT) & (pipelines.c.revision == pipeline.revision)
        if self.connection.execute(update(pipelines).where(unchanged).values(**values)).rowcount == 0:
            raise DraftChanged("The draft was changed by a concurrent request: read it again.")


def _written(definition: PipelineDefinition) -> dict[str, Any]:
    return {"key": definition.key, "definition": definition.model_dump(mode="json")}


def _read(row: Row[Any]) -> Pipeline:
    return Pipeline(
        id=row.id,
        version=row.version,
        revision=row.revision,
        status=row.status,
        published_at=row.published_at,
        published_by=row.published_by,
        definition=PipelineDefinition.model_validate(row.definition),
    )

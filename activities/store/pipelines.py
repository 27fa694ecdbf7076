"""Pipeline versions: drafts that are replaced as a whole, and published ones that never change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from activities.store.identifiers import new_id
from activities.store.keyed import key_taken
from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import pipelines, releases
from domain.errors import DraftChanged, NotADraft, NotFound
from domain.pipeline import Definition, Pipeline, PipelineStatus

_DRAFT = PipelineStatus.DRAFT.value


class PipelineRepository:
    """The pipelines of one project."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, project_id: str, definition: Definition, at: datetime) -> Pipeline:
        """Keep the first draft of a new pipeline. Raises Conflict where the key is taken."""
        pipeline = Pipeline(id=new_id(), version=1, revision=1, status=PipelineStatus.DRAFT, definition=definition)
        values = {"id": pipeline.id, "project_id": project_id, "version": 1, "revision": 1, "status": _DRAFT, "created_at": at}
        try:
            self.connection.execute(insert(pipelines).values(**values, **_written(definition)))
        except IntegrityError as error:
            raise key_taken("pipeline", definition.key) from error
        return pipeline

    def get(self, project_id: str, id_or_key: str, *, lock: bool = False) -> Pipeline:
        """One version by its id; by a key the newest published one, or else the newest draft. Raises NotFound."""
        query = select(pipelines).where(pipelines.c.project_id == project_id)
        newest = query.where(pipelines.c.key == id_or_key).order_by(pipelines.c.status == _DRAFT, pipelines.c.version.desc()).limit(1)
        for attempt in (query.where(pipelines.c.id == id_or_key), newest):
            row = self.connection.execute(attempt.with_for_update() if lock else attempt).one_or_none()
            if row is not None:
                return _read(row)
        raise NotFound(f"There is no pipeline '{id_or_key}'.")

    def version(self, pipeline_id: str) -> Pipeline:
        """The version on which a release runs."""
        return _read(self.connection.execute(select(pipelines).where(pipelines.c.id == pipeline_id)).one())

    def replace(self, pipeline: Pipeline, definition: Definition, revision: int | None) -> Pipeline:
        """Write a draft anew, as a whole. Raises NotADraft, DraftChanged, or Conflict where the new key is taken."""
        self.check_draft(pipeline, revision)
        replaced = pipeline.model_copy(update={"definition": definition, "revision": pipeline.revision + 1})
        try:
            self._change(pipeline, revision=replaced.revision, **_written(definition))
        except IntegrityError as error:
            raise key_taken("pipeline", definition.key) from error
        return replaced

    def publish(self, pipeline: Pipeline, at: datetime, by: str, revision: int | None) -> Pipeline:
        """Make a draft immutable. Raises NotADraft or DraftChanged."""
        self.check_draft(pipeline, revision)
        published = pipeline.published(at, by)
        self._change(pipeline, status=published.status.value, published_at=at, published_by=by)
        return published

    def delete(self, pipeline: Pipeline, revision: int | None) -> None:
        """Throw a draft away. Raises NotADraft or DraftChanged."""
        self.check_draft(pipeline, revision)
        self.connection.execute(delete(pipelines).where(pipelines.c.id == pipeline.id, pipelines.c.status == _DRAFT))

    def check_draft(self, pipeline: Pipeline, revision: int | None) -> None:
        """Raise NotADraft for a published version, DraftChanged for a draft that was replaced since."""
        if pipeline.status is not PipelineStatus.DRAFT:
            raise NotADraft(f"Version {pipeline.version} of '{pipeline.definition.key}' is published and can't be changed in any way.")
        if revision is not None and revision != pipeline.revision:
            raise DraftChanged("The draft was replaced since you read it: read it again.", revision=pipeline.revision)

    def page(self, project_id: str, wanted: Slice) -> Page[Pipeline]:
        """Versions of all pipelines, newest first."""
        query = select(pipelines).where(pipelines.c.project_id == project_id)
        return fetch_page(self.connection, query, pipelines.c.id, wanted, _read, newest_first=True)

    def published(self, project_id: str) -> list[Pipeline]:
        """Every published version."""
        query = select(pipelines).where(pipelines.c.project_id == project_id, pipelines.c.status == PipelineStatus.PUBLISHED.value)
        return [_read(row) for row in self.connection.execute(query.order_by(pipelines.c.key, pipelines.c.version))]

    def counts(self, ids: list[str]) -> Mapping[str, Mapping[str, int]]:
        """Pipeline id -> status -> how many releases."""
        query = select(releases.c.pipeline_id, releases.c.status, func.count().label("number"))
        rows = self.connection.execute(query.where(releases.c.pipeline_id.in_(ids)).group_by(releases.c.pipeline_id, releases.c.status))
        counted: dict[str, dict[str, int]] = {id_: {} for id_ in ids}
        for row in rows:
            counted[row.pipeline_id][row.status] = row.number
        return counted

    def _change(self, pipeline: Pipeline, **values: Any) -> None:
        unchanged = (pipelines.c.id == pipeline.id) & (pipelines.c.status == _DRAFT) & (pipelines.c.revision == pipeline.revision)
        if self.connection.execute(update(pipelines).where(unchanged).values(**values)).rowcount == 0:
            raise DraftChanged("The draft was changed in the same moment: read it again.")


def _written(definition: Definition) -> dict[str, Any]:
    return {"key": definition.key, "definition": definition.model_dump(mode="json")}


def _read(row: Row[Any]) -> Pipeline:
    return Pipeline(
        id=row.id,
        version=row.version,
        revision=row.revision,
        status=row.status,
        published_at=row.published_at,
        published_by=row.published_by,
        definition=Definition.model_validate(row.definition),
    )

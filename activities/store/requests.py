"""Requests with an Idempotency-Key and their responses, kept for a day and written in the transaction of their effect."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from activities.store.tables import requests

KEPT = timedelta(hours=24)
SWEPT_AT_ONCE = 100
_IDENTITY = (requests.c.api_key_id, requests.c.route, requests.c.idempotency_key)


class RequestId(NamedTuple):
    """The identity of a request: API key, path and Idempotency-Key."""

    api_key: str
    route: str
    idempotency_key: str


class RecordedRequest(NamedTuple):
    """The digest of a request's body, and its response. The status is None if the response is not stored."""

    digest: str
    status: int | None
    answer: Any
    headers: dict[str, str]


class RequestRepository:
    """One row per request with an Idempotency-Key."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def claim(self, request: RequestId, digest: str, at: datetime) -> RecordedRequest | None:
        """Claim a request for this transaction, or return what an earlier transaction recorded for it.

        On PostgreSQL this waits while another transaction that has claimed it goes on.
        """
        self._sweep(at - KEPT)
        if found := self._find(request):
            return found
        try:
            with self.connection.begin_nested():
                values = dict(zip((column.name for column in _IDENTITY), request, strict=True))
                self.connection.execute(insert(requests).values(**values, digest=digest, at=at))
        except IntegrityError:
            return self._find(request)
        return None

    def answer(self, request: RequestId, status: int, answer: Any, headers: dict[str, str]) -> None:
        """Store the response of a claimed request."""
        values = {"status": status, "answer": answer, "headers": headers}
        self.connection.execute(update(requests).where(_is(request)).values(**values))

    def forget(self, request: RequestId) -> None:
        """Delete a request without a response."""
        self.connection.execute(delete(requests).where(_is(request), requests.c.status.is_(None)))

    def _find(self, request: RequestId) -> RecordedRequest | None:
        row = self.connection.execute(select(requests).where(_is(request))).one_or_none()
        return RecordedRequest(row.digest, row.status, row.answer, row.headers or {}) if row else None

    def _sweep(self, before: datetime) -> None:
        """Delete old requests in batches, skipping rows that another transaction is deleting."""
        old = select(*_IDENTITY).where(requests.c.at < before).order_by(requests.c.at).limit(SWEPT_AT_ONCE)
        if gone := self.connection.execute(old.with_for_update(skip_locked=True)).all():
            self.connection.execute(delete(requests).where(tuple_(*_IDENTITY).in_([tuple(row) for row in gone])))


def _is(request: RequestId) -> ColumnElement[bool]:
    return and_(*(column == value for column, value in zip(_IDENTITY, request, strict=True)))

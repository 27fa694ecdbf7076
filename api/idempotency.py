"""Idempotent requests: the answer is stored in the transaction of the effect, and returned if the request is repeated."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from activities.store.database import Database, Store
from activities.store.identifiers import new_id
from activities.store.requests import RecordedRequest, RequestId
from api.problems import ProblemResponse, problem
from domain.errors import IdempotencyKeyReused, SecretShownOnce

View = TypeVar("View", bound=BaseModel)

REPLAYED = {"Idempotency-Replayed": "true"}


class AnsweredBefore(Exception):
    """The request was already carried out. The argument is its recorded answer."""


class IdempotentRequest(NamedTuple):
    """A POST as it was sent, and its status on success. `request` is None without an Idempotency-Key."""

    request: RequestId | None
    digest: str
    status: int
    at: datetime


class Writing:
    """One POST and its transaction. With an Idempotency-Key it is carried out once, however often it is sent."""

    def __init__(self, database: Database, sent: IdempotentRequest, response: Response) -> None:
        self.database = database
        self.sent = sent
        self.response = response

    @contextmanager
    def transaction(self) -> Iterator[Store]:
        """The one transaction of the request. Raises AnsweredBefore or IdempotencyKeyReused."""
        with self.database.transaction() as store:
            self._claim(store)
            yield store

    def claim(self) -> None:
        """Claim the request in a transaction of its own, before Temporal carries it out. Raises AnsweredBefore or IdempotencyKeyReused."""
        with self.transaction():
            pass

    def unclaim(self) -> None:
        """Release the claim after a refusal, so that the request can be repeated."""
        if self.sent.request:
            with self.database.transaction() as store:
                store.requests.forget(self.sent.request)

    def answer(self, store: Store, view: View, etag: str | None = None) -> View:
        """Store the answer for repetitions of the request, and return it, with the ETag of the resource if there is one."""
        if etag:
            self.response.headers["ETag"] = etag
        if self.sent.request:
            headers = {name: value for name, value in self.response.headers.items() if name == "etag"}
            store.requests.answer(self.sent.request, self.sent.status, view.model_dump(mode="json"), headers)
        return view

    def refuse_repetition(self, store: Store, id_: str, noun: str = "key") -> None:
        """Store a refusal with the id of what was created or rotated: the answer itself contains a secret."""
        if self.sent.request:
            detail = f"This request was already carried out, and its secret is shown only once. If you lost the answer, rotate the {noun}."
            refusal = problem(HTTPStatus.CONFLICT, SecretShownOnce.code(), detail, details={noun: id_})
            store.requests.answer(self.sent.request, HTTPStatus.CONFLICT, json.loads(bytes(refusal.body)), {})

    def update_id(self, control: str) -> str:
        """Return the id under which a workflow recognizes a repeated control. It is unique without an Idempotency-Key."""
        request = self.sent.request
        return f"{request.api_key}:{control}:{request.idempotency_key}" if request else f"{control}:{new_id()}"

    def _claim(self, store: Store) -> None:
        request, digest, at = self.sent.request, self.sent.digest, self.sent.at
        recorded = store.requests.claim(request, digest, at) if request else None
        if recorded is None:
            return
        if recorded.digest != digest:
            raise IdempotencyKeyReused("This Idempotency-Key was used for a different body: use a new key for a new request.")
        if recorded.status is not None:
            raise AnsweredBefore(recorded)


def digest_of(body: bytes) -> str:
    """Return a digest of a JSON document that does not depend on its formatting."""
    sent: Any = json.loads(body) if body else {}
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def replay_answers(app: FastAPI) -> None:
    """Register the handler that answers a repeated request like the first one."""
    app.add_exception_handler(AnsweredBefore, _replay)


def _replay(_request: Request, answered: Exception) -> Response:
    recorded: RecordedRequest = answered.args[0]
    kind = ProblemResponse if (recorded.status or 0) >= HTTPStatus.BAD_REQUEST else JSONResponse
    return kind(recorded.answer, recorded.status or HTTPStatus.OK, headers=recorded.headers | REPLAYED)

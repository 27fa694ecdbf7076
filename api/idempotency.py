"""Requests that are sent twice and carried out once: the answer is kept in the transaction of the effect."""

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
    """The request was carried out before, and what was recorded of it is at hand."""


class IdempotentRequest(NamedTuple):
    """What was sent, and the status that tells of its success; no request where the caller named no Idempotency-Key."""

    request: RequestId | None
    digest: str
    status: int
    at: datetime


class Writing:
    """One POST and its transaction; with an Idempotency-Key it is carried out once, however often it is sent."""

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
        """Take the request before something else than the database carries it out. Raises IdempotencyKeyReused."""
        with self.transaction():
            pass

    def unclaim(self) -> None:
        """Let the request be sent again: it was refused, and nothing was done."""
        if self.sent.request:
            with self.database.transaction() as store:
                store.requests.forget(self.sent.request)

    def answer(self, store: Store, view: View) -> View:
        """Keep the answer for the next time."""
        if self.sent.request:
            headers = {name: value for name, value in self.response.headers.items() if name == "etag"}
            store.requests.answer(self.sent.request, self.sent.status, view.model_dump(mode="json"), headers)
        return view

    def answer_once(self, store: Store, id_: str, noun: str = "key") -> None:
        """Keep no answer, since it holds a secret, but what was made: the next time is refused."""
        if self.sent.request:
            detail = f"This request was carried out before, and the secret that it answered with is shown once: rotate the {noun}."
            refusal = problem(HTTPStatus.CONFLICT, SecretShownOnce.code(), detail, details={noun: id_})
            store.requests.answer(self.sent.request, HTTPStatus.CONFLICT, json.loads(bytes(refusal.body)), {})

    def update_id(self, control: str) -> str:
        """What lets a workflow know a control that it was sent before; each control is another where the caller names none."""
        request = self.sent.request
        return f"{request.api_key}:{control}:{request.idempotency_key}" if request else f"{control}:{new_id()}"

    def _claim(self, store: Store) -> None:
        request, digest, at = self.sent.request, self.sent.digest, self.sent.at
        recorded = store.requests.claim(request, digest, at) if request else None
        if recorded is None:
            return
        if recorded.digest != digest:
            raise IdempotencyKeyReused("This Idempotency-Key was sent with another body: take a new key for a new request.")
        if recorded.status is not None:
            raise AnsweredBefore(recorded)


def digest_of(body: bytes) -> str:
    """What tells a JSON document from another, however it is laid out."""
    sent: Any = json.loads(body) if body else {}
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def answer_again(app: FastAPI) -> None:
    """Let a request that was carried out before be answered as it was."""
    app.add_exception_handler(AnsweredBefore, _answer_again)


def _answer_again(_request: Request, answered: Exception) -> Response:
    recorded: RecordedRequest = answered.args[0]
    kind = ProblemResponse if (recorded.status or 0) >= HTTPStatus.BAD_REQUEST else JSONResponse
    return kind(recorded.answer, recorded.status or HTTPStatus.OK, headers=recorded.headers | REPLAYED)

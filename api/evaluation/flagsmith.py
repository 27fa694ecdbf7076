"""Flags by Flagsmith's SDK API, with an environment's client key or server key in `X-Environment-Key`."""

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response

from activities.commands.identities import remember
from api.evaluation.response_json import UNCACHED, written
from api.evaluation.served_environments import Environments, Served
from domain.errors import Invalid
from domain.evaluation.environment_document import flag_of_flagsmith
from domain.evaluation.identity import Identity, Trait
from domain.evaluation.identity_request import IdentityRequest, read_identity_request

PREFIX = "/flagsmith/api/v1"
UNKNOWN_KEY = "Invalid or missing Environment Key"

router = APIRouter(
    prefix=PREFIX,
    tags=["evaluation"],
    responses={
        400: {"description": "The identity or its traits can't be taken: `detail` says why."},
        401: {"description": "No key, or none of an environment."},
    },
)


class FlagsmithFailure(Exception):
    """What is answered instead of flags."""

    def __init__(self, detail: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


def answer_flagsmith_failures(app: FastAPI) -> None:
    """Let every failure be answered as Flagsmith's SDKs know it."""
    app.add_exception_handler(FlagsmithFailure, _failed)


_KEYED: dict[str, Any] = {"security": [{"EnvironmentKey": []}]}
_FEATURE = {"name": "feature", "in": "query", "required": False, "schema": {"type": "string"}}
_IDENTIFIER = {"name": "identifier", "in": "query", "required": True, "schema": {"type": "string"}}
_FOR_NOW = {"type": ["boolean", "null"], "description": "Whether it is used now and not kept."}
_TRAIT = {
    "type": "object",
    "required": ["trait_key"],
    "properties": {"trait_key": {"type": "string"}, "trait_value": {}, "transient": _FOR_NOW},
}
_TOLD = {
    "type": "object",
    "required": ["identifier"],
    "properties": {"identifier": {"type": "string"}, "traits": {"type": ["array", "null"], "items": _TRAIT}, "transient": _FOR_NOW},
}


@router.get("/flags/", openapi_extra=_KEYED | {"parameters": [_FEATURE]}, responses={404: {"description": "There is no such feature."}})
async def read_flags(request: Request) -> Response:
    """All flags as everybody gets them, by Flagsmith's SDK API; with `feature` only that one."""
    served = await _served(request)
    feature = request.query_params.get("feature")
    if feature is None:
        return _json(served.for_flagsmith.everybodys)
    if feature not in served.evaluator.flags:
        raise FlagsmithFailure("Given feature not found", HTTPStatus.NOT_FOUND)
    return _json(written(flag_of_flagsmith(served.evaluator.evaluate_one(feature))))


@router.post("/identities/", openapi_extra=_KEYED | {"requestBody": {"required": True, "content": {"application/json": {"schema": _TOLD}}}})
async def identify(request: Request) -> Response:
    """All flags for one identity, by Flagsmith's SDK API; its traits are kept, unless they are transient. A null forgets a trait."""
    served = await _served(request)
    try:
        sent = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise FlagsmithFailure("JSON parse error: the body is not JSON.") from error
    return await _identified(request, served, sent)


@router.get("/identities/", openapi_extra=_KEYED | {"parameters": [_IDENTIFIER]})
async def read_identity(request: Request) -> Response:
    """All flags for one identity with what is known of it, by Flagsmith's SDK API."""
    served = await _served(request)
    query = request.query_params
    return await _identified(request, served, {"identifier": query.get("identifier"), "transient": query.get("transient") == "true"})


@router.get(
    "/environment-document/",
    openapi_extra=_KEYED,
    responses={304: {"description": "Nothing has changed since."}, 403: {"description": "It is the client key."}},
)
async def read_environment_document(request: Request) -> Response:
    """The environment as one document, for SDKs that evaluate by themselves; this needs the server key."""
    environments: Environments = request.app.state.environments
    served = await environments.newest(await _served(request))
    if _key(request) not in served.keys:
        raise FlagsmithFailure(UNKNOWN_KEY, HTTPStatus.UNAUTHORIZED)
    if _key(request) != served.snapshot.keys.server_key:
        raise FlagsmithFailure("This needs the environment's server key.", HTTPStatus.FORBIDDEN)
    headers = {"ETag": f'"{served.version}"'} | _last_modified(served)
    if _has(request, headers):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return _json(served.document, headers)


async def _identified(request: Request, served: Served, sent: object) -> Response:
    try:
        told = read_identity_request(sent)
        identity, known = await asyncio.to_thread(remember, request.app.state.database, served.id, told, datetime.now(UTC))
    except Invalid as refusal:
        raise FlagsmithFailure(refusal.message) from refusal
    about = written(_about(told, identity, known))
    return _json(b'{"flags":' + served.for_flagsmith.of(identity) + b"," + about[1:])


def _about(told: IdentityRequest, identity: Identity, known: Mapping[str, Trait]) -> dict[str, Any]:
    shown = identity.traits if told.transient else {**known, **told.for_now}
    return {"identifier": identity.identifier, "traits": [{"trait_key": key, "trait_value": value} for key, value in shown.items()]}


def _key(request: Request) -> str:
    return request.headers.get("x-environment-key", "")


async def _served(request: Request) -> Served:
    environments: Environments = request.app.state.environments
    if not (found := await environments.with_key(_key(request))):
        raise FlagsmithFailure(UNKNOWN_KEY, HTTPStatus.UNAUTHORIZED)
    return found


def _last_modified(served: Served) -> dict[str, str]:
    """It tells whole seconds only, so it is given once the second is over: until then there may be another version within it."""
    at = served.snapshot.updated_at.replace(microsecond=0)
    return {"Last-Modified": format_datetime(at, usegmt=True)} if datetime.now(UTC) > at + timedelta(seconds=2) else {}


def _has(request: Request, headers: Mapping[str, str]) -> bool:
    if etags := request.headers.get("if-none-match"):
        return headers["ETag"] in re.split(r"\s*,\s*", etags.replace("W/", ""))
    return bool(since := request.headers.get("if-modified-since")) and since == headers.get("Last-Modified")


def _json(content: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, headers=UNCACHED | dict(headers or {}), media_type="application/json")


def _failed(_request: Request, failure: Exception) -> Response:
    if not isinstance(failure, FlagsmithFailure):
        raise failure
    return Response(written({"detail": failure.detail}), failure.status, media_type="application/json")

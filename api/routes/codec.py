"""The codec endpoint, with which Temporal's Web UI and command line show what is encrypted, by Temporal's protocol for remote codecs."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials

from activities.store.database import Database
from api.dependencies import DatabaseDep, ReleasesDep, bearer, caller_of, now
from api.session_cookie import cookie_name
from domain.access import Caller
from domain.errors import NotAllowed, NotFound
from domain.releases.release import release_of_workflow
from workflows.service.codec_server import WirePayloads, decode, encode

PREFIX = "/temporal-codec"

router = APIRouter(prefix=PREFIX, include_in_schema=False)


def _reader(
    request: Request, database: DatabaseDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """Return the caller: by an API key, or by the session of a browser that shows a page of the Temporal Web UI."""
    token = request.cookies.get(cookie_name(request), "")
    if credentials or not token:
        return caller_of(request, database, credentials)
    if request.headers.get("origin") != request.app.state.codec_origin:
        raise NotAllowed("A session counts only for requests from the Temporal Web UI at FLAGHOIST_TEMPORAL_UI_URL.")
    with database.reading() as store:
        caller = store.sessions.caller(token, now())
    if caller is None:
        return caller_of(request, database, None)
    request.state.caller = caller
    request.app.state.rate_limit.check(caller.key)
    return caller


ReaderDep = Annotated[Caller, Depends(_reader)]


@router.post("/decode")
def decode_payloads(body: WirePayloads, caller: ReaderDep, database: DatabaseDep, releases: ReleasesDep) -> WirePayloads:
    """Decrypt payloads of releases in projects in which the caller has a role. All others need the instance role owner."""
    decoded, workflows = decode(releases.encryption, body.payloads)
    if not caller.access.is_owner:
        _check_sees(caller, database, workflows)
    return WirePayloads(payloads=tuple(decoded))


@router.post("/encode")
def encode_payloads(body: WirePayloads, caller: ReaderDep, releases: ReleasesDep) -> WirePayloads:
    """Encrypt payloads that an operator sends to a workflow. This needs the instance role owner, because Temporal checks no rights."""
    caller.must_be_owner()
    return WirePayloads(payloads=tuple(encode(releases.encryption, body.payloads)))


def _check_sees(caller: Caller, database: Database, workflows: Iterable[str]) -> None:
    for workflow in workflows:
        try:
            with database.reading() as store:
                project = store.releases.get(release_of_workflow(workflow)).project
        except NotFound:
            caller.must_be_owner()
        else:
            if not caller.access.sees(project):  # The refusal must not name the project.
                caller.must_be_owner()

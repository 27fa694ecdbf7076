"""Projects that are connected to a real Unleash."""

import os
from typing import Any

import httpx

from tests.http import Api
from tests.unleash.server import UnleashServer


def connection_to(unleash: UnleashServer, **more: Any) -> dict[str, Any]:
    """Return the body of a request that connects a project to Unleash."""
    return {"kind": "unleash", "address": unleash.address, "credential": unleash.admin_token} | more


def new_project(api: Api) -> str:
    """Create an empty project, and return its path."""
    return f"/projects/{api.post('/projects', {'key': f'elsewhere-{os.urandom(4).hex()}'})['key']}"


def connected_project(api: Api, unleash: UnleashServer, **more: Any) -> str:
    """Create a project that is connected to Unleash, and return its path."""
    project = new_project(api)
    put(api, project, connection_to(unleash, **more)).raise_for_status()
    return project


def put(api: Api, project: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    """Connect a project, or try to."""
    return api.request("PUT", f"{project}/connection", body, headers=headers)

"""A real OpenID provider, oidc-provider on Node, whose people the tests choose."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.http import get_url
from tests.ports import free_port
from tests.sdks.engines import NPM_CI, built
from tests.waiting import CEILING, wait_for

CLIENT_ID = "flaghoist"
CLIENT_SECRET = "a secret: with +% and /"  # noqa: S105  which must be encoded in a header


class RunningProvider(NamedTuple):
    """The provider's issuer, and the file with its people."""

    issuer: str
    file: Path

    def have(self, **people: dict[str, Any]) -> None:
        """Set the provider's people: login -> claims."""
        self.file.write_text(json.dumps(people))


@contextmanager
def running_provider(folder: Path, callback: str) -> Iterator[RunningProvider]:
    """Run a provider that knows one client. It is another site than the API, because its host is `localhost`."""
    port, file = free_port(), folder / "people.json"
    file.write_text("{}")
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [callback]}
    program = built("openid", Path(__file__).parent / "node", NPM_CI) / "provider.js"
    with subprocess.Popen(["node", str(program), str(port), json.dumps(client), str(file)], stderr=subprocess.DEVNULL) as process:  # noqa: S607
        try:
            running = RunningProvider(f"http://localhost:{port}", file)
            wait_for("the OpenID provider", lambda: _answers(running.issuer))
            yield running
        finally:
            process.kill()


def _answers(issuer: str) -> bool:
    try:
        return get_url(f"{issuer}/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


def log_in(client: httpx.Client, start: httpx.Response, login: str) -> httpx.Response:
    """Follow the redirects to the provider's page, log in there, and return its redirect to the API, which is not followed."""
    answer = start
    while not answer.has_redirect_location or "/callback" not in answer.headers["location"]:
        if answer.has_redirect_location:
            answer = client.get(answer.next_request.url, timeout=CEILING)  # type: ignore[union-attr] # it has one
        else:
            answer = client.post(answer.url, data={"prompt": "login", "login": login})
    return answer

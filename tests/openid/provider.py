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
from tests.waiting import wait_for

CALLBACK = "/sign-in/openid/callback"
MOST_STEPS = 10

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
    command = ["node", str(program), str(port), json.dumps(client), str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
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


def log_in(client: httpx.Client, start: httpx.Response, login: str) -> str:
    """Follow the redirects to the provider's page, log in there, and return the address at the API to which it sends the browser."""
    answer = start
    for _ in range(MOST_STEPS):
        if (request := answer.next_request) is None:
            answer = client.post(answer.url, data={"prompt": "login", "login": login}, follow_redirects=False)
        elif request.url.path.endswith(CALLBACK):
            return str(request.url)
        else:
            answer = client.send(request, follow_redirects=False)
    raise AssertionError(f"the provider did not send the browser back, but answered with {answer.status_code}: {answer.text}")

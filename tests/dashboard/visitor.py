"""A browser without JavaScript: cookies, pages and forms over HTTP."""

import re

import httpx

from tests.http import OWNER_KEY
from tests.waiting import CEILING


class Visitor:
    """A person who looks at the dashboard. Redirects are followed."""

    def __init__(self, address: str, key: str = OWNER_KEY) -> None:
        self.client = httpx.Client(base_url=address, follow_redirects=True, timeout=CEILING, verify=False)  # noqa: S501  plain HTTP
        self.key = key

    def sign_in(self, to: str = "") -> httpx.Response:
        """Send the sign-in form."""
        return self.client.post("/sign-in", data={"key": self.key, "to": to})

    def look(self, path: str) -> httpx.Response:
        """Return a page."""
        return self.client.get(path)

    def csrf(self) -> str:
        """Return the token of the forms of this session."""
        found = re.search(r'name="csrf" value="(\w+)"', self.look("/status").text)
        assert found
        return found[1]

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form with the token of this session."""
        return self.client.post(path, data={"csrf": self.csrf()} | fields)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

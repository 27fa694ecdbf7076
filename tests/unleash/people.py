"""People who use Unleash with fewer rights than an administrator."""

import os
from typing import Literal

import httpx

from tests.unleash.server import UnleashServer

ROLES = {"Editor": 2, "Viewer": 3}


def personal_token(unleash: UnleashServer, role: Literal["Editor", "Viewer"]) -> str:
    """Return the token of a new user with that role."""
    account = {"username": f"{role.lower()}-{os.urandom(4).hex()}", "password": "Only-4-these-tests!"}
    unleash.call("POST", "/api/admin/user-admin", {**account, "rootRole": ROLES[role], "sendEmail": False})
    with httpx.Client(base_url=unleash.address, timeout=60) as browser:
        browser.post("/auth/simple/login", json=account).raise_for_status()
        token = browser.post("/api/admin/user/tokens", json={"description": "tests", "expiresAt": "2099-01-01T00:00:00Z"})
    return str(token.raise_for_status().json()["secret"])

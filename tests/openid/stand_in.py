"""A provider that answers as a test tells it to, which a real one never would."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.openid.provider import CLIENT_ID

Answer = tuple[int, str]


class StandIn:
    """The answers of the provider by path. By default they are those of a correct one."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.requests: list[dict[str, list[str]]] = []
        self.behave()

    def behave(self) -> None:
        """Answer correctly again."""
        self.nonce, self.answers = "", dict(self._correct())
        self.token: Callable[[], str] = lambda: self.sign(self.claims())

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a correct ID token, with some of them changed, or omitted if None."""
        now = int(time.time())
        correct = {"iss": self.issuer, "sub": "1", "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": self.nonce}
        person = {"email": "dana@example.com", "groups": ["developers"]}
        return {name: value for name, value in (correct | person | changed).items() if value is not None}

    def sign(self, claims: dict[str, Any], key: Any = None, **header: Any) -> str:
        """Return a signed token."""
        algorithm = str(header.get("alg", "RS256"))
        return jwt.encode({"alg": "RS256", "kid": "first"} | header, claims, key or self.key, algorithms=[algorithm])

    def say(self, path: str, document: object, status: int = 200) -> None:
        """Answer requests for a path with a document."""
        self.answers[path] = lambda: (status, json.dumps(document))

    def metadata(self, **changed: object) -> dict[str, object]:
        """Return the provider's configuration, with some of it changed."""
        paths = {"authorization_endpoint": "/auth", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        return {"issuer": self.issuer, **{name: f"{self.issuer}{path}" for name, path in paths.items()}, **changed}

    def _correct(self) -> Iterator[tuple[str, Callable[[], Answer]]]:
        yield "/.well-known/openid-configuration", lambda: (200, json.dumps(self.metadata()))
        yield "/jwks", lambda: (200, json.dumps(KeySet([self.key]).as_dict(private=False)))
        yield "/token", lambda: (200, json.dumps({"access_token": "unused", "token_type": "Bearer", "id_token": self.token()}))


@contextmanager
def stand_in_provider(port: int) -> Iterator[StandIn]:
    """Run the provider on that port while the block lasts."""
    provider = StandIn(f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = provider.answers[self.path]()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self) -> None:
            provider.requests.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield provider
        server.shutdown()
        thread.join()

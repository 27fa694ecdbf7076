"""mTLS and an authorizer for a cluster: the environment of its nodes, and the certificates and API keys of its clients."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from joserfc import jwk, jwt

from tests.certificates import SERVER_NAME, Authority, Certificate, client_environment

NAMESPACE = "flaghoist"
"""The namespace in the Compose file."""

_ALGORITHM, _KEY_ID = "ES256", "of-a-rehearsal"


class Issuer:
    """Signs API keys, which are JSON Web Tokens. The server reads the public key from a file."""

    def __init__(self, folder: Path) -> None:
        self.public = folder / "keys.json"
        self._key = jwk.ECKey.generate_key("P-256", {"kid": _KEY_ID, "alg": _ALGORITHM, "use": "sig"})
        folder.mkdir(parents=True, exist_ok=True)
        self.public.write_text(json.dumps(jwk.KeySet([self._key]).as_dict(private=False)))

    def sign(self, *permissions: str, expired: bool = False) -> str:
        """Return an API key with permissions such as `default:write`."""
        until = datetime.now(UTC) + timedelta(hours=-1 if expired else 1)
        claims = {"sub": "flaghoist", "permissions": list(permissions), "exp": int(until.timestamp())}
        return jwt.encode({"alg": _ALGORITHM, "kid": _KEY_ID}, claims, self._key)


class Access:
    """The authorities, the issuer, and the environments that follow from them."""

    def __init__(self, folder: Path, addresses: list[str]) -> None:
        self.servers, self.clients, self.strangers = (Authority(folder / name) for name in ("servers", "clients", "strangers"))
        self.issuer = Issuer(folder / "issuer")
        self.server = self.servers.issue("server", SERVER_NAME, *addresses)
        self.client = self.clients.issue("client", "flaghoist.test")
        self.keys = {role: self.issuer.sign(f"{NAMESPACE}:{role}") for role in ("admin", "write")}

    def for_node(self) -> dict[str, str]:
        """Return the variables of a node that wants a certificate and an API key of every client."""
        return {
            "TEMPORAL_TLS_REQUIRE_CLIENT_AUTH": "true",
            "TEMPORAL_TLS_SERVER_CERT": str(self.server.certificate),
            "TEMPORAL_TLS_SERVER_KEY": str(self.server.key),
            "TEMPORAL_TLS_SERVER_CA_CERT": str(self.servers.certificate),
            "TEMPORAL_TLS_INTERNODE_SERVER_NAME": SERVER_NAME,
            "TEMPORAL_TLS_FRONTEND_CERT": str(self.server.certificate),
            "TEMPORAL_TLS_FRONTEND_KEY": str(self.server.key),
            "TEMPORAL_TLS_FRONTEND_SERVER_NAME": SERVER_NAME,
            "TEMPORAL_TLS_CLIENT1_CA_CERT": str(self.clients.certificate),
            "TEMPORAL_AUTH_AUTHORIZER": "default",
            "TEMPORAL_AUTH_CLAIM_MAPPER": "default",
            "TEMPORAL_JWT_KEY_SOURCE1": self.issuer.public.as_uri(),
            "USE_INTERNAL_FRONTEND": "true",
        }

    def for_client(self, certificate: Certificate | None = None) -> dict[str, str]:
        """Return the variables of a client, without its API key."""
        return client_environment(certificate or self.client, self.servers)

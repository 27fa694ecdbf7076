"""The network for git: servers that may be called, at the addresses that were checked, and a credential for one of them only."""

import base64
import ipaddress

from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.errors import ProviderUnavailable
from domain.errors import AddressRefused
from domain.flags.git_address import GitAddress
from domain.webhooks.address import target_of


class GitNetwork:
    """The way to a repository."""

    def __init__(self, address: GitAddress, credential: SecretStr | None, resolver: Resolver) -> None:
        """Take a credential that is a token or `user:token`."""
        self.address = address
        self.credential = credential
        self.resolver = resolver

    def config(self) -> dict[str, str]:
        """Return git's configuration for one call. Raises ProviderUnavailable if the server must not be called."""
        if not self.address.is_over_http:
            return {}
        try:
            target = target_of(self.address.url, allow_private=self.resolver.allow_private)
            addresses = [str(each) for each in self.resolver.resolve(target)]
        except AddressRefused as refusal:
            raise ProviderUnavailable(str(refusal)) from None
        config = {} if _is_numeric(target.host) else {"http.curloptResolve": f"{target.host}:{target.port}:{','.join(addresses)}"}
        return config | self._credential()

    def _credential(self) -> dict[str, str]:
        secret = self.credential.get_secret_value() if self.credential else ""
        if not secret:
            return {}
        pair = secret if ":" in secret else f"x-access-token:{secret}"
        return {"http.extraHeader": f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"}


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

"""The check of a connection, before it is stored and at any time afterwards. No call runs in a transaction."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.copies import unique_key
from activities.providers.errors import ProviderError, ProviderUnauthorized
from activities.providers.flag_system import ConnectionPart, Finding, FlagSystem
from activities.providers.sealing import CredentialUnreadable
from activities.providers.systems import FlagSystems
from activities.store.connections import StoredConnection
from domain.errors import AddressRefused, Invalid, Problem, pointer_to
from domain.flags.connection import Connection
from domain.webhooks.address import target_of


class CheckedConnection(NamedTuple):
    """A connection with all its environments, its encrypted credential, and everything that was found out about it."""

    connection: Connection
    sealed: str | None
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """True if nothing is missing."""
        return all(each.passed for each in self.findings)

    def pointer(self, finding: Finding) -> str:
        """Return the pointer to the part of the connection that a finding is about."""
        keys = [key for key, name in self.connection.environments.items() if name == finding.environment]
        return pointer_to((finding.part, *keys))

    def check_passed(self) -> None:
        """Raise Invalid with everything that is missing."""
        missing = [each for each in self.findings if not each.passed]
        if missing:
            problems = tuple(Problem(pointer=self.pointer(each), code="connection_failed", message=each.message) for each in missing)
            raise Invalid(missing[0].message, problems=problems)


def check_connection(
    systems: FlagSystems, proposed: Connection, given: SecretStr | None, stored: StoredConnection | None
) -> CheckedConnection:
    """Find out what works and everything that is missing.

    Without environments, all of the other system are taken, those of the stored connection under the same keys. Without a credential,
    the stored one is used, but never for another address: whoever controls that would learn it.
    """
    findings = list[Finding]()
    credential, sealed = None, None
    with _noted(findings, "address"):
        _check_address(systems.resolver, proposed)
    if findings and not proposed.kind.is_over_http:
        return CheckedConnection(proposed, None, tuple(findings))  # Such an address does not tell if a credential is needed.
    with _noted(findings, "credential"):
        credential = _credential(systems, proposed, given, stored)
        sealed = systems.sealer.seal(credential) if credential else None
    if findings:
        return CheckedConnection(proposed, sealed, tuple(findings))
    with _noted(findings, "address"), closing(systems.open(proposed, credential)) as system:
        known = stored.connection.environments if stored else {}
        if not proposed.environments:
            proposed = proposed.model_copy(update={"environments": _all_environments(system, known)})
        findings += system.check(proposed.environments.values())
    if not proposed.environments and all(each.passed for each in findings):
        findings.append(Finding(False, f"The project has no environments in {proposed.kind.label}. Create one there.", "project"))
    return CheckedConnection(proposed, sealed, tuple(findings))


@contextmanager
def _noted(findings: list[Finding], part: ConnectionPart) -> Iterator[None]:
    """Note what goes wrong as a finding about this part, or about the credential if that is refused."""
    try:
        yield
    except (Invalid, CredentialUnreadable, ProviderError) as error:
        findings.append(Finding(False, str(error), "credential" if isinstance(error, ProviderUnauthorized) else part))


def _check_address(resolver: Resolver, proposed: Connection) -> None:
    """Raise Invalid if the address is no URL of a server that may be called. Files on this machine have none."""
    url = proposed.url
    if url is None:
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.username is not None or parts.query or parts.fragment:
        raise Invalid("The address must not contain a user, a password, '?' or '#'. A token belongs into the credential.")
    try:
        resolver.resolve(target_of(url, allow_private=resolver.allow_private))
    except AddressRefused as refusal:
        raise Invalid(refusal.message + _remedy(resolver, url)) from None


def _remedy(resolver: Resolver, address: str) -> str:
    """Name the setting if it would make a difference."""
    try:
        Resolver(resolver.lookup, allow_private=True).resolve(target_of(address, allow_private=True))
    except AddressRefused:
        return ""
    return " FLAGHOIST_PROVIDERS_ALLOW_PRIVATE=true allows private addresses and plain HTTP."


def _credential(systems: FlagSystems, proposed: Connection, given: SecretStr | None, stored: StoredConnection | None) -> SecretStr | None:
    """Return the given credential, or else the stored one. Raises Invalid or CredentialUnreadable."""
    label, url = proposed.kind.label, proposed.url
    if url is None:
        if given:
            raise Invalid(f"{label} needs no credential here: leave it out.")
        return None
    if given:
        return given
    if stored is None or stored.sealed is None:
        if proposed.kind.is_over_http:
            raise Invalid(f"{label} needs a credential.")
        return None  # Some repositories take changes from everyone. If this one does not, the check finds out.
    if (stored.connection.kind, stored.connection.url) != (proposed.kind, url):
        raise Invalid("The stored credential is not sent to another address. Send the credential for the new one.")
    return systems.sealer.unseal(stored.sealed)


def _all_environments(system: FlagSystem, known: Mapping[str, str]) -> dict[str, str]:
    """Return a key for each environment of the other system. If they can't be listed, the check finds out why."""
    try:
        listed = system.environments()
    except ProviderError:
        return {}
    mapped = {key: name for key, name in known.items() if name in listed}
    for name in listed:
        if name not in mapped.values():
            mapped[unique_key(name, mapped)] = name
    return mapped

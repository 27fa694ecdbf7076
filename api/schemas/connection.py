"""Request and response bodies of connections."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from activities.providers.connection_check import CheckedConnection
from activities.store.connections import StoredConnection
from domain.flags.connection import MOST_CALLS, USUAL_CALLS, Connection, Mapped, Outage, RemoteKey
from domain.flags.provider import CAPABILITIES, Capability, ProviderKind
from domain.model import Frozen, Moment

LONGEST_CREDENTIAL = 1_000


def _sendable(credential: SecretStr) -> SecretStr:
    secret = credential.get_secret_value()
    if not secret.isascii() or not secret.isprintable():
        raise ValueError("must have only printable ASCII characters, because it is sent in a header")
    return credential


Credential = Annotated[SecretStr, AfterValidator(_sendable), Field(min_length=1, max_length=LONGEST_CREDENTIAL)]


class Connect(Frozen):
    """A connection to another flag system.

    Without `environments`, all of the other system are taken. Without `credential`, the stored one stays, unless the address changes.
    """

    kind: Literal["unleash", "flagd", "flagsmith"]
    address: str = Field(
        min_length=1, max_length=500, description="A URL, or for flagd the path of a folder, or a repository as URL#branch:folder."
    )
    project: RemoteKey = "default"
    environments: Mapped = {}
    calls: int = Field(default=USUAL_CALLS, ge=1, le=MOST_CALLS, strict=True, description="The most calls at the same time, per process.")
    credential: Credential | None = Field(default=None, description="Never in an answer.")

    @property
    def connection(self) -> Connection:
        """The connection without its credential."""
        return Connection(**self.model_dump(exclude={"credential"}))


class CapabilityView(BaseModel):
    """A part of a flag's state, and whether stages can change it in this system."""

    capability: Capability
    supported: bool
    description: str = Field(description="A phrase that follows *can* or *can't*.")


class ConnectionView(BaseModel):
    """The system in which a project's flags are kept. `address` is null for callers who may not administer the project.

    For `builtin`, the flags are kept here, and there is no connection.
    """

    kind: ProviderKind
    address: str | None = None
    project: str | None = None
    environments: dict[str, str] = {}
    calls: int | None = None
    has_credential: bool = False
    outage: Outage | None = None
    listed_at: Moment | None = None
    changed_at: Moment | None = None
    capabilities: list[CapabilityView]


class FindingView(BaseModel):
    """The result of one check. `pointer` is that of the part of the connection that it is about."""

    passed: bool
    pointer: str
    message: str


class CheckView(BaseModel):
    """The result of checking a connection, with the environments that it has or would have."""

    passed: bool
    environments: dict[str, str]
    findings: list[FindingView]


def connection_view(stored: StoredConnection | None, *, shows_address: bool) -> ConnectionView:
    """Return the view of a project's connection, or of a project whose flags are kept here."""
    if stored is None:
        return ConnectionView(kind=ProviderKind.BUILTIN, capabilities=_capabilities(ProviderKind.BUILTIN))
    connection = stored.connection
    return ConnectionView(
        kind=connection.kind,
        address=connection.address if shows_address else None,
        project=connection.project,
        environments=connection.environments,
        calls=connection.calls,
        has_credential=stored.sealed is not None,
        outage=stored.outage,
        listed_at=stored.listed_at,
        changed_at=stored.changed_at,
        capabilities=_capabilities(connection.kind),
    )


def check_view(checked: CheckedConnection) -> CheckView:
    """Return the view of a check."""
    findings = [FindingView(passed=each.passed, pointer=checked.pointer(each), message=each.message) for each in checked.findings]
    return CheckView(passed=checked.passed, environments=checked.connection.environments, findings=findings)


def _capabilities(kind: ProviderKind) -> list[CapabilityView]:
    return [CapabilityView(capability=each, supported=each in CAPABILITIES[kind], description=each.in_words) for each in Capability]

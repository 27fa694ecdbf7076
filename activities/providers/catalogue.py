"""The provider of each project: the one module that knows adapters by name."""

from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.builtin import BuiltinProvider
from activities.providers.flag_system import FlagSystem
from activities.providers.flagd.file_place import FilePlace
from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.folder import FlagFolder
from activities.providers.flagd.git_network import GitNetwork
from activities.providers.flagd.repository import FlagRepository
from activities.providers.flagsmith.admin_api import FlagsmithAdminApi
from activities.providers.flagsmith.system import FlagsmithProject
from activities.providers.provider import FlagProvider
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.system import UnleashProject
from activities.store.database import Store
from domain.errors import Invalid
from domain.flags.connection import Connection
from domain.flags.git_address import GIT_AUTHOR, git_address
from domain.flags.project import Project
from domain.flags.provider import ProviderKind


def provider_of(project: Project, store: Store) -> FlagProvider:
    """Return the provider of a project's flags, for use within the transaction of `store`.

    For flags that are kept elsewhere, it reads the copy in the store, and refuses to change them.
    """
    return BuiltinProvider(store, project)


class Reach(NamedTuple):
    """The limits of calls to other flag systems: addresses, seconds for each call, and the folder that has those of flagd.

    `git_author` is the author of commits.
    """

    resolver: Resolver
    seconds: float
    flagd_folder: Path | None = None
    git_author: str = GIT_AUTHOR


def open_system(connection: Connection, credential: SecretStr | None, reach: Reach) -> FlagSystem:
    """Open another flag system, without a call to it. Raises Invalid if its address is out of reach."""
    secret = credential or SecretStr("")
    match connection.kind:
        case ProviderKind.UNLEASH:
            unleash = UnleashAdminApi(connection.address, secret, attempt_seconds=reach.seconds, resolver=reach.resolver)
            return UnleashProject(unleash, connection.project)
        case ProviderKind.FLAGSMITH:
            flagsmith = FlagsmithAdminApi(connection.address, secret, attempt_seconds=reach.seconds, resolver=reach.resolver)
            return FlagsmithProject(flagsmith, connection.project)
        case ProviderKind.FLAGD:
            return FlagdFiles(_place_of(connection.address, credential, reach), reach.seconds)
        case kind:
            raise Invalid(f"{kind.label} can't be connected to.")


def _place_of(address: str, credential: SecretStr | None, reach: Reach) -> FilePlace:
    """Return the folder or the repository at an address."""
    repository = git_address(address)
    if repository is None:
        return FlagFolder(_folder_within(reach.flagd_folder, address))
    if not repository.is_over_http:
        path = _folder_within(reach.flagd_folder, repository.path)
        repository = repository._replace(url=path.as_uri())
    return FlagRepository(repository, GitNetwork(repository, credential, reach.resolver).config, reach.git_author, reach.seconds)


def _folder_within(root: Path | None, address: str) -> Path:
    """Return the folder at an address. Whoever administers a project must not read other files of the server."""
    if root is None:
        raise Invalid("Connections to folders are off. FLAGHOIST_FLAGD_FOLDER names the folder that has their folders.")
    try:
        folder = (root / address).resolve()
    except (OSError, RuntimeError, ValueError):
        folder = Path()
    if not folder.is_relative_to(root.resolve()):
        raise Invalid(f"'{address}' is no folder inside the one that FLAGHOIST_FLAGD_FOLDER names.")
    return folder

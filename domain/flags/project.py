"""Projects, and what they own besides pipelines: environments, features and segments."""

from domain.entity_tag import entity_tag
from domain.errors import FlagsKeptElsewhere
from domain.flags.flag import FeatureType, FlagState
from domain.flags.provider import ProviderKind
from domain.flags.segment import Rules
from domain.flags.variant import Variants
from domain.model import Frozen


class Project(Frozen):
    """The owner of environments, features, segments and pipelines."""

    id: str
    key: str
    name: str
    provider: ProviderKind = ProviderKind.BUILTIN

    @property
    def keeps_flags(self) -> bool:
        """True if its flags are kept here, and not in another system."""
        return self.provider is ProviderKind.BUILTIN

    @property
    def etag(self) -> str:
        """The entity tag of the project."""
        return entity_tag(self)


def check_keeps_flags(project: Project) -> None:
    """Raise FlagsKeptElsewhere if people change the project's flags and segments in another system."""
    if not project.keeps_flags:
        where = project.provider.label
        raise FlagsKeptElsewhere(f"The flags of '{project.key}' are kept in {where}: change them there, or through a pipeline here.")


def check_defines_variants(project: Project) -> None:
    """Raise FlagsKeptElsewhere if variants are defined in another system, or it has none."""
    if not project.provider.defines_variants:
        check_keeps_flags(project)


class Environment(Frozen):
    """A place where flags are evaluated, such as production."""

    id: str
    key: str
    name: str


class Segment(Frozen):
    """A named set of identities."""

    id: str
    key: str
    name: str
    rules: Rules = ()

    @property
    def etag(self) -> str:
        """The entity tag of the segment."""
        return entity_tag(self)


class Feature(Frozen):
    """The flag itself. `default` is its state in every environment in which it was never changed.

    `salt` decides, with an identity, its place on the line along which variants are laid out. It never changes.
    """

    id: str
    key: str
    name: str
    description: str = ""
    type: FeatureType
    default: FlagState = FlagState()
    variants: Variants = ()
    salt: int = 1

    @property
    def etag(self) -> str:
        """The entity tag of the feature, which does not depend on its flags."""
        return entity_tag(self)

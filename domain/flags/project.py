"""Projects, and what they own besides pipelines: environments, features and segments."""

from domain.flags.flag import FeatureType, FlagState
from domain.flags.segment import Rules
from domain.model import Frozen


class Project(Frozen):
    """The owner of environments, features, segments and pipelines."""

    id: str
    key: str
    name: str


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


class Feature(Frozen):
    """The flag itself. `default` is its state in every environment in which it was never changed."""

    id: str
    key: str
    name: str
    description: str = ""
    type: FeatureType
    default: FlagState = FlagState()

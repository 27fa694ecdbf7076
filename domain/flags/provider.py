"""The kinds of systems in which a project's flags can be kept, and what each of them can express."""

from collections.abc import Mapping
from enum import StrEnum


class ProviderKind(StrEnum):
    """The system in which a project's flags are kept. It never changes while the project has releases."""

    BUILTIN = "builtin"
    UNLEASH = "unleash"
    FLAGD = "flagd"
    FLAGSMITH = "flagsmith"

    @property
    def label(self) -> str:
        """The name of the system, as its makers write it."""
        return {"builtin": "Flaghoist", "unleash": "Unleash", "flagd": "flagd", "flagsmith": "Flagsmith"}[self]

    @property
    def is_over_http(self) -> bool:
        """True if its address is always a URL, and it needs a credential."""
        return self in (ProviderKind.UNLEASH, ProviderKind.FLAGSMITH)

    @property
    def overrides_follow(self) -> bool:
        """True if a field that an override does not set follows the default from then on. Otherwise, it is set to the default once."""
        return self is not ProviderKind.FLAGSMITH


class Capability(StrEnum):
    """A part of a flag's state that a provider can express."""

    ENABLED = "enabled"
    VALUE = "value"
    ENABLED_FOR_SEGMENT = "enabled_for_segment"
    DISABLED_FOR_SEGMENT = "disabled_for_segment"
    VALUE_FOR_SEGMENT = "value_for_segment"
    ROLLOUT = "rollout"
    ROLLOUT_OF_DISABLED = "rollout_of_disabled"
    ROLLOUT_OF_VALUE = "rollout_of_value"
    ROLLOUT_FRACTIONS = "rollout_fractions"
    VARIANTS = "variants"

    @property
    def in_words(self) -> str:
        """The phrase for what it lets a stage do, after *can* or *can't*."""
        return _WORDS[self]


_WORDS = {
    Capability.ENABLED: "enable or disable a flag for everyone",
    Capability.VALUE: "set a value for everyone",
    Capability.ENABLED_FOR_SEGMENT: "enable a flag for a segment",
    Capability.DISABLED_FOR_SEGMENT: "disable a flag for a segment only",
    Capability.VALUE_FOR_SEGMENT: "set a value for a segment",
    Capability.ROLLOUT: "enable a flag for a share of identities",
    Capability.ROLLOUT_OF_DISABLED: "disable a flag for a share of identities",
    Capability.ROLLOUT_OF_VALUE: "set a value for a share of identities",
    Capability.ROLLOUT_FRACTIONS: "serve a share that is not a whole percentage",
    Capability.VARIANTS: "serve variants to shares of identities",
}

CAPABILITIES: Mapping[ProviderKind, frozenset[Capability]] = {
    ProviderKind.BUILTIN: frozenset(Capability),
    # Strategies are alternatives: whoever one of them serves has the flag. Values come with variants.
    ProviderKind.UNLEASH: frozenset({Capability.ENABLED, Capability.ENABLED_FOR_SEGMENT, Capability.ROLLOUT}),
    ProviderKind.FLAGD: frozenset(Capability) - {Capability.VARIANTS},
    ProviderKind.FLAGSMITH: frozenset(Capability)
    - {Capability.ROLLOUT, Capability.ROLLOUT_OF_DISABLED, Capability.ROLLOUT_OF_VALUE, Capability.ROLLOUT_FRACTIONS, Capability.VARIANTS},
}

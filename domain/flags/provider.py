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
    def defines_variants(self) -> bool:
        """True if people define variants here. Unleash has them only within the strategies that Flaghoist makes."""
        return self in (ProviderKind.BUILTIN, ProviderKind.UNLEASH)

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
    VARIANTS_FRACTIONS = "variants_fractions"
    VARIANTS_IN_ROLLOUT = "variants_in_rollout"

    @property
    def in_words(self) -> str:
        """The phrase for what it lets a stage do, after *can* or *can't*."""
        return _WORDS[self]

    @property
    def remedy(self) -> str:
        """A sentence on what to do instead in a system without it, or nothing."""
        return _REMEDIES.get(self, "")


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
    Capability.VARIANTS: "serve variants to shares of identities, who keep them while shares change",
    Capability.VARIANTS_FRACTIONS: "serve variants to shares that are not whole percentages",
    Capability.VARIANTS_IN_ROLLOUT: "roll out a flag that serves variants",
}

_REMEDIES = {
    Capability.ROLLOUT_FRACTIONS: "Use whole percentages.",
    Capability.VARIANTS: "Use a flag in a system that can.",
    Capability.VARIANTS_FRACTIONS: "Use whole percentages, and ship a winner at once.",
    Capability.VARIANTS_IN_ROLLOUT: "End the allocation first, or allocate variants to growing shares instead.",
}

_OF_VARIANTS = frozenset({Capability.VARIANTS, Capability.VARIANTS_FRACTIONS, Capability.VARIANTS_IN_ROLLOUT})

CAPABILITIES: Mapping[ProviderKind, frozenset[Capability]] = {
    ProviderKind.BUILTIN: frozenset(Capability),
    # Strategies are alternatives: whoever one of them serves has the flag. Values come with variants.
    ProviderKind.UNLEASH: frozenset({Capability.ENABLED, Capability.ENABLED_FOR_SEGMENT, Capability.ROLLOUT, Capability.VARIANTS}),
    # A flag of flagd has one hash for both. Only those with values have variants to choose from.
    ProviderKind.FLAGD: frozenset(Capability) - {Capability.VARIANTS_IN_ROLLOUT},
    # A rollout is a segment of its own. Variants there move between identities.
    ProviderKind.FLAGSMITH: frozenset(Capability) - _OF_VARIANTS,
}

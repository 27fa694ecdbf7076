"""The decision of an experiment at one look."""

from enum import StrEnum

from domain.model import Message


class ExperimentOutcome(StrEnum):
    """The outcome of a look. What is held needs a person, or better data."""

    UNDECIDED = "undecided"
    WINNER = "winner"
    NO_WINNER = "no_winner"
    HELD = "held"


class Reason(StrEnum):
    """The reason for an outcome."""

    TOO_FEW_USERS = "too_few_users"
    TOO_EARLY = "too_early"
    NO_RELATIVE_LIFT = "no_relative_lift"
    NOT_SIGNIFICANT = "not_significant"
    SIGNIFICANT = "significant"
    ALL_WORSE = "all_worse"
    BREACHES_GUARDRAIL = "breaches_guardrail"
    TIME_OVER = "time_over"
    NOT_SAFE = "not_safe"
    SAMPLE_RATIO = "sample_ratio"
    ARM_WITHOUT_DATA = "arm_without_data"
    UNKNOWN_ARM = "unknown_arm"
    UNUSABLE_NUMBER = "unusable_number"
    NOT_PROVEN_HARMLESS = "not_proven_harmless"
    GUARDRAIL_WITHOUT_DATA = "guardrail_without_data"


class Decision(Message):
    """An outcome, its reason, the key of the winner if there is one, and a sentence for a product manager.

    A final decision ends the experiment, and no later look changes it. It says what is shipped, or None if a person decides.
    """

    outcome: ExperimentOutcome
    reason: Reason
    message: str
    winner: str | None = None
    ships: str | None = None
    is_final: bool = False

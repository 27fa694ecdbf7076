"""The check of actions against what a provider can express."""

from typing import Any

import pytest

from domain.flags.provider import ProviderKind
from domain.pipelines.capabilities import unsupported_actions, warnings_for
from domain.pipelines.pipeline import PipelineDefinition
from tests.pipelines import allocate, enable, pipeline, rollout, set_value, stage


def found_in(kind: ProviderKind, *stages: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pointer and the message of each action that the provider can't carry out."""
    definition = PipelineDefinition.model_validate(pipeline(*stages))
    problems = list(unsupported_actions(definition, kind))
    assert {each.code for each in problems} <= {"not_supported_by_provider"}
    assert not list(unsupported_actions(definition, ProviderKind.BUILTIN))
    return [(each.pointer, each.message.removesuffix(" docs/guide/providers.md has what it can do.")) for each in problems]


def test_flagsmith_has_no_allocations() -> None:
    found = found_in(ProviderKind.FLAGSMITH, stage("A", actions=[enable(), allocate({"a": 1}), allocate({"a": 1}, "beta")]))

    assert [pointer for pointer, _ in found] == ["/stages/0/actions/1", "/stages/0/actions/2"]
    assert (
        found[0][1]
        == "Flagsmith can't serve variants to shares of identities, who keep them while shares change. Use a flag in a system that can."
    )


def test_unleash_has_allocations_of_whole_percentages() -> None:
    found = found_in(ProviderKind.UNLEASH, stage("A", actions=[allocate({"a": 1, "b": 33.3}), allocate({"a": 1}, "beta")]))

    assert found == [
        (
            "/stages/0/actions/0",
            "Unleash can't serve variants to shares that are not whole percentages. Use whole percentages, and ship a winner at once.",
        )
    ]


@pytest.mark.parametrize(("kind", "refused"), [(ProviderKind.UNLEASH, ["/stages/0/actions/1"]), (ProviderKind.FLAGD, [])])
def test_winner_is_shipped_in_steps_only_where_shares_have_fractions(kind: ProviderKind, refused: list[str]) -> None:
    at_once, in_steps = {"type": "SHIP_WINNER"}, {"type": "SHIP_WINNER", "initial": 60, "step": 20, "every": "1h"}

    assert not found_in(kind, stage("A", actions=[enable(), at_once]))
    assert [pointer for pointer, _ in found_in(kind, stage("A", actions=[enable(), in_steps]))] == refused


@pytest.mark.parametrize("kind", [ProviderKind.UNLEASH, ProviderKind.FLAGD])
@pytest.mark.parametrize(
    ("stages", "refused"),
    [
        ([stage("A", actions=[allocate({"a": 1})]), stage("B", actions=[rollout(10, 45)])], ["/stages/1/actions/0"]),
        ([stage("A", actions=[rollout(10, 45), allocate({"a": 1})])], ["/stages/0/actions/0"]),
        ([stage("A", actions=[rollout(10, 45)]), stage("B", actions=[allocate({"a": 1})])], []),
        ([stage("A", actions=[allocate({"a": 1})]), stage("B", actions=[rollout(100, 1)])], []),
        ([stage("A", actions=[allocate({"a": 1})]), stage("B", "production", actions=[rollout(10, 45)])], []),
        ([stage("A", actions=[allocate({"a": 1})]), stage("B", actions=[allocate({}), rollout(10, 45)])], []),
    ],
)
def test_other_systems_have_no_rollout_of_a_flag_with_an_allocation(
    kind: ProviderKind, stages: list[dict[str, Any]], refused: list[str]
) -> None:
    assert [pointer for pointer, _ in found_in(kind, *stages)] == refused


def test_flagd_has_allocations_and_publishing_warns_that_languages_differ() -> None:
    definition = PipelineDefinition.model_validate(
        pipeline(stage("A", actions=[enable(), allocate({"a": 33.3}), allocate({"a": 1}, "beta")]))
    )

    assert not list(unsupported_actions(definition, ProviderKind.FLAGD))
    warnings = [(each.pointer, each.code) for each in warnings_for(definition, ProviderKind.FLAGD)]
    assert warnings == [(f"/stages/0/actions/{number}", "rollout_differs_between_sdks") for number in (1, 2)]


def test_a_value_ends_an_allocation_before_a_rollout() -> None:
    stages = [stage("A", actions=[allocate({"a": 1})]), stage("B", actions=[set_value("x"), rollout(10, 45)])]

    assert [message for _, message in found_in(ProviderKind.UNLEASH, *stages)] == ["Unleash can't set a value for everyone."]

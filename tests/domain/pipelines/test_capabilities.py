"""The check of actions against what a provider can express."""

import pytest

from domain.flags.provider import ProviderKind
from domain.pipelines.capabilities import unsupported_actions
from domain.pipelines.pipeline import PipelineDefinition
from tests.pipelines import allocate, enable, pipeline, stage


@pytest.mark.parametrize("kind", [kind for kind in ProviderKind if kind is not ProviderKind.BUILTIN])
def test_only_our_own_flags_can_have_variants(kind: ProviderKind) -> None:
    definition = pipeline(stage("A", actions=[enable(), allocate({"a": 1}), allocate({"a": 1}, "beta")]))

    found = list(unsupported_actions(PipelineDefinition.model_validate(definition), kind))

    assert [each.pointer for each in found] == ["/stages/0/actions/1", "/stages/0/actions/2"]
    assert {each.code for each in found} == {"not_supported_by_provider"}
    assert "can't serve variants to shares of identities" in found[0].message
    assert not list(unsupported_actions(PipelineDefinition.model_validate(definition), ProviderKind.BUILTIN))

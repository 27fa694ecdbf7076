"""docs/guide/designing.md shows pipelines that can be published, and lists every problem and warning of publishing."""

import json
import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
import yaml

from domain.flags.project import Segment
from domain.metrics.metric import MetricShape
from domain.pipelines.action import Action
from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.templates import TEMPLATES
from domain.pipelines.trigger import Trigger
from domain.pipelines.validation import Known, problems_of, warnings_of
from tests.repo.guide import ROOT, blocks, chapter, rows, text_of

NAME = "docs/guide/designing.md"
SHOWN = [yaml.safe_load(block) for block in blocks(text_of(NAME), "yaml")]
PIPELINES = [each for each in SHOWN if "stages" in each]
FILES = [json.loads(path.read_text()) for path in sorted((ROOT / "examples").glob("*.json"))]
EXAMPLES = [each for each in FILES if "stages" in each]
METRICS = {"conversion": MetricShape.GROUPS}
RULES = ("action", "capabilities", "experiment", "gate", "parameter", "references", "trigger", "validation")


def _types(union: Any) -> set[str]:
    return {get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(union)[0])}


def _first_column(text: str) -> set[str]:
    return {code for row in rows(text) for code in re.findall(r"`(\w+)`", row[0])}


@pytest.mark.parametrize("shown", [*PIPELINES, *EXAMPLES], ids=lambda shown: str(shown["key"]))
def test_shown_pipeline_can_be_published_without_warnings(shown: dict[str, Any]) -> None:
    definition = PipelineDefinition.model_validate(shown)
    environments, segments = {"development", "staging", "production"}, {"beta-users", "employees"}

    assert problems_of(definition, Known(environments, segments, METRICS), datetime.now(UTC)) == []
    assert warnings_of(definition) == []


def test_shown_classic_pipelines_equal_the_templates() -> None:
    shown = {each["key"]: PipelineDefinition.model_validate(each) for each in PIPELINES if each["key"] in TEMPLATES}

    assert {key: (each.stages, each.parameters) for key, each in shown.items()} == {
        key: (each.stages, each.parameters) for key, each in TEMPLATES.items()
    }


def test_shown_segments_are_valid() -> None:
    segments = [each for each in [*SHOWN, *FILES] if "rules" in each]

    assert len(segments) == 2
    for segment in segments:
        assert Segment.model_validate(segment | {"id": "1", "name": "Beta users"}).rules


def test_every_trigger_and_action_is_listed() -> None:
    assert _first_column(chapter(NAME, "A stage")) == _types(Trigger) | _types(Action)


def test_every_problem_and_warning_of_publishing_is_listed_and_no_others() -> None:
    sources = [(ROOT / "domain" / "pipelines" / f"{name}.py").read_text() for name in RULES]
    codes = {code for source in sources for code in re.findall(r'code="(\w+)"', source)}

    assert _first_column(chapter(NAME, "Publishing")) == codes
    assert len(codes) > 8

"""flagd's own evaluators, for Python and for JavaScript. The second runs in a process of its own."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from domain.flags.flag import FeatureType
from tests.sdks.engines import NPM_CI, built

SOURCES = Path(__file__).parent / "node"


class Question(NamedTuple):
    """A flag that an application asks for, with its own default."""

    flag: str
    type: FeatureType
    fallback: Any
    context: Mapping[str, str]


def in_python(file: str, questions: Sequence[Question]) -> list[Any]:
    """Return the value for each question."""
    core = FlagdCore()
    core.set_flags(file)
    resolve: Mapping[FeatureType, Any] = {
        FeatureType.TOGGLE: core.resolve_boolean_value,
        FeatureType.STRING: core.resolve_string_value,
        FeatureType.INTEGER: core.resolve_integer_value,
    }
    return [resolve[each.type](each.flag, each.fallback, _context(each)).value for each in questions]


def in_javascript(file: str, questions: Sequence[Question]) -> list[Any]:
    """Return the value for each question."""
    folder = built("flagd", SOURCES, NPM_CI)
    asked = json.dumps({"file": file, "questions": [each._asdict() for each in questions]})
    command = ["node", str(folder / "evaluate.js")]
    done = subprocess.run(command, input=asked, capture_output=True, check=True, text=True, timeout=60)
    answers: list[Any] = json.loads(done.stdout)
    return answers


EVALUATORS = {"Python": in_python, "JavaScript": in_javascript}


def _context(question: Question) -> EvaluationContext:
    attributes = dict(question.context)
    return EvaluationContext(attributes.pop("targetingKey", None), attributes)

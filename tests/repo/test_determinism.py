"""Workflow code and the domain use nothing whose answer may differ in a replay."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.guide import ROOT

CHANGED_BY_A_RESET = {"run_id", "continued_run_id", "unsafe"}
"""Attributes of `workflow` and `workflow.info()` that no workflow may read. `original_execution_run_id` stays the same."""

WORKFLOW_CODE = sorted((ROOT / "workflows").glob("*.py"))


def run_dependent(source: str) -> list[str]:
    """Return the attributes in that code that depend on the run."""
    return [node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute) and node.attr in CHANGED_BY_A_RESET]


def linted(path: str, source: str) -> str:
    """Return what ruff says about code at that path."""
    command = [
        str(Path(sys.executable).parent / "ruff"),
        "check",
        "--select",
        "TID251",
        "--output-format",
        "concise",
        "--stdin-filename",
        path,
    ]
    return subprocess.run([*command, "-"], input=source, cwd=ROOT, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("path", WORKFLOW_CODE, ids=lambda path: path.stem)
def test_workflow_code_does_not_depend_on_its_run(path: Path) -> None:
    assert run_dependent(path.read_text()) == []


def test_planted_comparison_of_run_ids_is_caught() -> None:
    assert run_dependent("workflow.info().run_id != workflow.info().original_execution_run_id") == ["run_id"]


@pytest.mark.parametrize("path", ["workflows/planted.py", "domain/releases/planted.py"])
@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("from datetime import datetime\n\nnow = datetime.now()\n", "datetime.datetime.now"),
        ("import time\n\nnow = time.time()\n", "time.time"),
        ("from random import random\n\nshare = random()\n", "random"),
        ("from uuid import uuid4\n\nname = uuid4()\n", "uuid.uuid4"),
        ("import os\n\nhome = os.environ\n", "os"),
        ("from settings import Settings\n", "settings"),
    ],
)
def test_planted_question_to_the_machine_is_caught(path: str, source: str, named: str) -> None:
    assert f"`{named}` is banned" in linted(path, source)


def test_processes_may_ask_their_machine() -> None:
    source = "from datetime import datetime\n\nnow = datetime.now()\n"
    assert [linted(path, source) for path in ("workflows/service/planted.py", "activities/planted.py")] == ["All checks passed!\n"] * 2

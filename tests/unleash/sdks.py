"""Unleash's SDKs for Node and Python, each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tests.unleash.server import UnleashServer, installed

Answers = list[dict[str, Any]]
"""For each context: name of a feature -> [enabled, payload of its variant, name of its variant]."""


class Sdk(Protocol):
    """An SDK that fetches the features of an environment and evaluates them."""

    def __call__(
        self, unleash: UnleashServer, features: list[str], contexts: list[dict[str, Any]], environment: str = "development"
    ) -> Answers: ...


def in_node(unleash: UnleashServer, features: list[str], contexts: list[dict[str, Any]], environment: str = "development") -> Answers:
    """Return what the SDK for Node tells."""
    script = ["node", str(Path(__file__).with_name("evaluate.cjs")), str(installed())]
    return _answers([*script, unleash.address, unleash.backend_tokens[environment]], features, contexts)


def in_python(unleash: UnleashServer, features: list[str], contexts: list[dict[str, Any]], environment: str = "development") -> Answers:
    """Return what the SDK for Python tells."""
    script = [sys.executable, str(Path(__file__).with_name("evaluate_in_python.py"))]
    return _answers([*script, unleash.address, unleash.backend_tokens[environment]], features, contexts)


SDKS: Mapping[str, Sdk] = {"Node": in_node, "Python": in_python}


def _answers(command: list[str], features: list[str], contexts: list[dict[str, Any]]) -> Answers:
    asked = json.dumps({"features": features, "contexts": contexts})
    done = subprocess.run(command, input=asked, text=True, capture_output=True, check=True)
    found: Answers = json.loads(done.stdout)
    return found

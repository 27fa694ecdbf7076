"""Validates responses against the OFREP 0.3.0 specification beside this file."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator

SPECIFICATION = Path(__file__).parent / "ofrep-0.3.0.yaml"


@cache
def _schemas() -> dict[str, Any]:
    """Load the schemas with one fix: a flag with a value also matches the code-default schema, and an integer is also a number."""
    document: dict[str, Any] = yaml.safe_load(SPECIFICATION.read_text())
    schemas: dict[str, Any] = deepcopy(document["components"])
    values = schemas["schemas"]["evaluationSuccess"]["allOf"][1]
    values["anyOf"] = values.pop("oneOf")
    return schemas


def validate(schema: str, content: Any) -> None:
    """Fail unless the content matches the specification."""
    Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": _schemas()}).validate(content)


def success(answer: httpx.Response, schema: str) -> Any:
    """Return the content of a successful response."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    validate(schema, content)
    if schema == "bulkEvaluationSuccess":
        for flag in content["flags"]:
            validate("evaluationSuccess", flag)
    return content


def failure(answer: httpx.Response, status: int, code: str, schema: str) -> dict[str, Any]:
    """Return the content of an error response."""
    assert answer.status_code == status, answer.text
    content: dict[str, Any] = answer.json()
    validate(schema, content)
    assert content["errorCode"] == code
    assert content["errorDetails"]
    return content

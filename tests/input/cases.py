"""Requests generated from the OpenAPI document and mixed with existing resources, so that they pass the first checks."""

from typing import Any

from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode

from tests.api.places import Place
from tests.input.environment import EXISTING

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]
DRAWN = st.sampled_from


def cases_of(operation: Operation) -> st.SearchStrategy[Request]:
    """Generate requests that the document allows, and some that it does not."""
    allowed = operation.as_strategy(GenerationMode.POSITIVE)
    if not any(True for _ in operation.iter_parameters()) and not operation.body:
        return allowed
    return st.one_of(allowed, allowed, operation.as_strategy(GenerationMode.NEGATIVE))


def use_existing(data: st.DataObject, case: Request, place: Place) -> None:
    """Replace most names in the request by those of existing resources."""
    names, body = place
    for name in list(case.path_parameters):
        if name in names and data.draw(DRAWN([True] * 7 + [False])):
            case.path_parameters[name] = names[name]
    if _is_allowed(case):
        for name in case.query:
            if name in EXISTING and data.draw(st.booleans()):
                case.query[name] = data.draw(DRAWN(EXISTING[name]))
        if isinstance(case.body, dict):
            case.body = data.draw(_mixed(_with_existing(data, case.body), body))


def _is_allowed(case: Request) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def _mixed(made: dict[str, Any], right: Any) -> st.SearchStrategy[Any]:
    if not isinstance(right, dict):
        return st.just(made)
    return st.sets(DRAWN(sorted(made) or [""])).map(lambda chosen: right | {name: made[name] for name in chosen if name in made})


def _with_existing(data: st.DataObject, value: Any, name: str = "") -> Any:
    """Return the value with names of existing resources where it refers to some."""
    if isinstance(value, dict) and name == "overrides":
        return {data.draw(DRAWN(EXISTING["segment"])): _with_existing(data, each) for each in value.values()}
    if isinstance(value, dict):
        return {key: _with_existing(data, each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_existing(data, each, name.removesuffix("s")) for each in value]
    if isinstance(value, str) and name in EXISTING and data.draw(DRAWN([True] * 5 + [False])):
        return data.draw(DRAWN(EXISTING[name]))
    return value

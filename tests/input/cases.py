"""Requests to one route: made from the OpenAPI document, and mixed with what there really is, so that they get past the first check."""

from typing import Any

from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode

from tests.api.routes import Place
from tests.input.environment import REAL

Operation = APIOperation[Any, Any, Any, Any]
Request = Case[Any]
DRAWN = st.sampled_from


def cases_of(operation: Operation) -> st.SearchStrategy[Request]:
    """Requests by the document, and some that are against it."""
    by_the_document = operation.as_strategy(GenerationMode.POSITIVE)
    if not any(True for _ in operation.iter_parameters()) and not operation.body:
        return by_the_document
    return st.one_of(by_the_document, by_the_document, operation.as_strategy(GenerationMode.NEGATIVE))


def ground_case(data: st.DataObject, case: Request, place: Place) -> None:
    """Have the request be about what there is, in most of its parts."""
    names, body = place
    for name in list(case.path_parameters):
        if name in names and data.draw(DRAWN([True] * 7 + [False])):
            case.path_parameters[name] = names[name]
    if _is_by_the_document(case):
        for name in case.query:
            if name in REAL and data.draw(st.booleans()):
                case.query[name] = data.draw(DRAWN(REAL[name]))
        if isinstance(case.body, dict):
            case.body = data.draw(_mixed(_grounded(data, case.body), body))


def _is_by_the_document(case: Request) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def _mixed(made: dict[str, Any], right: Any) -> st.SearchStrategy[Any]:
    if not isinstance(right, dict):
        return st.just(made)
    return st.sets(DRAWN(sorted(made) or [""])).map(lambda taken: right | {name: made[name] for name in taken if name in made})


def _grounded(data: st.DataObject, value: Any, name: str = "") -> Any:
    """The same, with real names where it refers to something."""
    if isinstance(value, dict) and name == "overrides":
        return {data.draw(DRAWN(REAL["segment"])): _grounded(data, each) for each in value.values()}
    if isinstance(value, dict):
        return {key: _grounded(data, each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_grounded(data, each, name.removesuffix("s")) for each in value]
    if isinstance(value, str) and name in REAL and data.draw(DRAWN([True] * 5 + [False])):
        return data.draw(DRAWN(REAL[name]))
    return value

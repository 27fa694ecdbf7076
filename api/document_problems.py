"""The problems of an invalid document, from pydantic's errors."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from api.json_pointer import path_of
from api.known_fields import fields_at
from api.validation_messages import message_of
from domain.errors import Invalid, Problem, pointer_to

MOST_PROBLEMS = 100
"""The most mistakes of one document that are listed."""

LONGEST_MESSAGE = 500
UNKNOWN_FIELD = "extra_forbidden"

Model = TypeVar("Model", bound=BaseModel)


def parse_as(model: type[Model], document: Any) -> Model:
    """Return the document as a model. Raises Invalid with the problems that a request with this body would have."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = tuple(_problem_of(each, model, document) for each in relevant(error.errors()))
        raise Invalid(problems[0].message, problems=problems) from error


def relevant(errors: Sequence[Any]) -> list[Any]:
    """Return the errors to list, without lists that are too short only because their items are invalid."""
    return list(islice(_without_consequences(errors), MOST_PROBLEMS))


def problem_at(path: Sequence[int | str], error: Any, known_fields: Sequence[str]) -> Problem:
    """Return the problem at this path; `known_fields` are those of the object that has an unknown one."""
    message = shortened(message_of(error, known_fields), LONGEST_MESSAGE)
    return Problem(pointer=pointer_to(path), code=error["type"], message=message)


def shortened(text: str, longest: int) -> str:
    """Return the text, cut to this number of characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _problem_of(error: Any, model: type[BaseModel], document: Any) -> Problem:
    path = path_of(error["loc"], document)
    fields = fields_at(model, path[:-1], document) if error["type"] == UNKNOWN_FIELD else []
    return problem_at(path, error, fields)


def _without_consequences(errors: Sequence[Any]) -> Iterator[Any]:
    for error in errors:
        place = error["loc"]
        if error["type"] != "too_short" or not any(each["loc"][: len(place)] == place for each in errors if each is not error):
            yield error

"""Mistakes in a sheet that its document could not show, with the API's messages for them."""

from collections.abc import Iterator

from api.dashboard.editor.reading import WITH_VALUE, typed_value
from api.dashboard.editor.sheet import Sheet
from api.validation_messages import message_of
from domain.errors import Invalid, Problem, pointer_to

_ERRORS = {"integer": "int_type", "boolean": "bool_type"}


def check_typed(sheet: Sheet) -> None:
    """Raise Invalid for a value that does not have its chosen type, and for a parameter that is declared twice."""
    if problems := (*_repeated_parameters(sheet), *_wrong_values(sheet)):
        raise Invalid(problems[0].message, problems=problems)


def _repeated_parameters(sheet: Sheet) -> Iterator[Problem]:
    names = [each["name"].strip() for each in sheet["parameters"]]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            message = f"The name '{name[:64]}' is repeated in one object: keep one of them."
            yield Problem(pointer=pointer_to(["parameters", name]), code="json_invalid", message=message)


def _wrong_values(sheet: Sheet) -> Iterator[Problem]:
    for s, stage in enumerate(sheet["stages"]):
        for a, action in enumerate(stage["actions"]):
            code = _ERRORS.get(action["value_type"])
            if code and action["type"] in WITH_VALUE and isinstance(typed_value(action["value"], action["value_type"]), str):
                pointer = pointer_to(["stages", s, "actions", a, "value"])
                yield Problem(pointer=pointer, code=code, message=message_of({"type": code}))

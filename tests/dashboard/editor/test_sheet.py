"""The form of a pipeline: what is filled in, what is read from it, and where problems are shown."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dashboard.editor.filling import sheet_of
from api.dashboard.editor.findings import definition_of_sheet, definition_of_text, sheet_if_shown, text_of
from api.dashboard.editor.places import Mark, place_of
from api.dashboard.editor.reading import document_of
from api.dashboard.editor.rows import edit_rows
from api.dashboard.editor.sheet import Sheet, sheet_of_fields
from domain.errors import Invalid
from domain.pipelines.pipeline import PipelineDefinition
from tests.dashboard.editor.definitions import DEFINITIONS
from tests.pipelines import approval, enable, pipeline, rollout, set_value, stage, until, window


def _flat(node: Any, place: str = "") -> dict[str, str]:
    """Return the fields of a form that shows this sheet. Boxes that are not ticked are not sent."""
    if isinstance(node, str):
        return (
            {place: node}
            if node or not place.endswith(("allow_requester", "shadow", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"))
            else {}
        )
    below = node.items() if isinstance(node, dict) else enumerate(node)
    return {name: text for part, each in below for name, text in _flat(each, f"{place}.{part}" if place else str(part)).items()}


def _sheet(*stages: dict[str, Any], **more: Any) -> Sheet:
    return sheet_of(PipelineDefinition.model_validate(pipeline(*stages, **more)))


@given(DEFINITIONS)
def test_a_form_that_is_sent_unchanged_changes_nothing(definition: PipelineDefinition) -> None:
    sent = sheet_of_fields(_flat(sheet_of(definition)))

    assert definition_of_sheet(sent) == definition
    assert sheet_if_shown(definition) is not None


@given(DEFINITIONS)
def test_a_definition_survives_being_edited_as_text(definition: PipelineDefinition) -> None:
    assert definition_of_text(text_of(document_of(sheet_of(definition)))) == definition


@given(
    st.dictionaries(st.text("abstgnme.0123: ", max_size=20) | st.sampled_from(["stages.0", "stages.0.gates", "stages.x.name"]), st.text())
)
def test_no_form_can_break_the_page(fields: dict[str, str]) -> None:
    sheet = sheet_of_fields(fields)

    assert set(sheet) == {"key", "name", "description", "on_conflict", "parameters", "stages", "guardrails"}
    assert isinstance(document_of(sheet), dict)


@pytest.mark.parametrize("value", ["a\rb", "a\r\nb"])
def test_a_definition_that_a_form_would_change_is_edited_as_text(value: str) -> None:
    shown = PipelineDefinition.model_validate(pipeline(stage("Only", actions=[set_value("a\nb")])))
    not_shown = PipelineDefinition.model_validate(pipeline(stage("Only", actions=[set_value(value)])))

    assert sheet_if_shown(shown) is not None
    assert sheet_if_shown(not_shown) is None


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", ""),
        ("/key", "key"),
        ("/stages", "stages"),
        ("/stages/0", "stages.0"),
        ("/stages/0/name", "stages.0.name"),
        ("/stages/0/trigger/duration", "stages.0.trigger.duration"),
        ("/stages/1/trigger/at_from/parameter", "stages.1.trigger.parameter"),
        ("/stages/1/gates/1/ranges/0/days", "stages.1.gates.1.ranges.0.days"),
        ("/stages/0/actions/0/value_from/parameter", "stages.0.actions.0.parameter"),
        ("/stages/0/actions/0/unknown", "stages.0.actions.0"),
        ("/stages/7/name", "stages"),
        ("/parameters/2", "parameters.0"),
        ("/parameters/launch_at/default", "parameters.1.default"),
        ("/parameters/unknown", "parameters"),
        ("/a~1b/c", ""),
    ],
)
def test_a_pointer_leads_to_the_innermost_field_or_group(pointer: str, place: str) -> None:
    gated = stage("Second") | {"trigger": until(parameter="launch_at"), "gates": [approval(), window("09:00", "17:00")]}
    sheet = _sheet(stage("First", wait="1d"), gated, parameters={"2": {"type": "string"}, "launch_at": {"type": "datetime"}})

    assert place_of(pointer, sheet) == place


def test_a_place_is_named_in_words() -> None:
    assert Mark("stages.1.actions.0.value_type", "").where == "Stage 2, action 1, value type"


@pytest.mark.parametrize(
    ("button", "names"),
    [
        ("stages:add", ["A", "B", "C", ""]),
        ("stages.0:up", ["A", "B", "C"]),
        ("stages.1:up", ["B", "A", "C"]),
        ("stages.1:down", ["A", "C", "B"]),
        ("stages.2:down", ["A", "B", "C"]),
        ("stages.1:remove", ["A", "C"]),
    ],
)
def test_stages_are_added_moved_and_removed(button: str, names: list[str]) -> None:
    sheet = _sheet(stage("A"), stage("B"), stage("C"))

    edit_rows(sheet, button)

    assert [each["name"] for each in sheet["stages"]] == names


def test_every_kind_of_row_is_added_with_the_focus_on_its_first_field() -> None:
    sheet = _sheet(stage("A"))

    buttons = (
        "stages.0.actions:add",
        "stages.0.gates:add-approval",
        "stages.0.gates:add-window",
        "stages.0.gates.1.ranges:add",
        "parameters:add",
    )
    focus = [edit_rows(sheet, button).focus for button in buttons]

    assert focus == [
        "stages.0.actions.1.type",
        "stages.0.gates.0.approvals",
        "stages.0.gates.1.timezone",
        "stages.0.gates.1.ranges.1.start",
        "parameters.0.name",
    ]


def test_after_a_move_the_focus_stays_on_a_button_that_still_exists() -> None:
    sheet = _sheet(stage("A"), stage("B"), stage("C"))

    moves = [edit_rows(sheet, button) for button in ("stages.2:up", "stages.1:up", "stages.0:down", "stages.1:down")]

    assert [each.focus for each in moves] == ["stages.1:up", "stages.0:down", "stages.1:down", "stages.2:up"]
    assert moves[0].announcement == "Stage 3 is stage 2 now."


@pytest.mark.parametrize(
    "button",
    ["", "stages", "stages:boil", "stages.9:up", "stages.0:boil", "name:add", "gates:add-approval", "key.0:up", "stages.0.name:add"],
)
def test_a_button_that_does_not_exist_is_refused(button: str) -> None:
    with pytest.raises(Invalid, match="reload the page"):
        edit_rows(_sheet(stage("A")), button)


@pytest.mark.parametrize(
    ("type_", "value", "message"), [("integer", "many", "Must be a whole number."), ("boolean", "si", "Must be true or false.")]
)
def test_a_value_that_is_not_of_the_chosen_type_is_refused_and_not_read_as_a_text(type_: str, value: str, message: str) -> None:
    sheet = _sheet(stage("A", actions=[set_value("x")]))
    sheet["stages"][0]["actions"][0] |= {"value_type": type_, "value": value}

    with pytest.raises(Invalid) as refused:
        definition_of_sheet(sheet)

    assert [(each.pointer, each.message) for each in refused.value.problems] == [("/stages/0/actions/0/value", message)]


def test_a_parameter_that_is_declared_twice_is_refused() -> None:
    sheet = _sheet(stage("A"), parameters={"text": {"type": "string"}})
    edit_rows(sheet, "parameters:add")
    sheet["parameters"][1]["name"] = "text"

    with pytest.raises(Invalid, match="The name 'text' is repeated"):
        definition_of_sheet(sheet)


def test_fields_that_the_chosen_type_does_not_have_are_left_out() -> None:
    sheet = _sheet(stage("A", actions=[rollout(value="new")]))
    sheet["stages"][0]["actions"][0] |= {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "segment": "staff"}

    assert document_of(sheet)["stages"][0]["actions"] == [enable("staff")]

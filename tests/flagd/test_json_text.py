"""Edits of JSON texts: the value is set, and everything else stays as it was, byte for byte."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from activities.providers.flagd.json_text import with_member, without_member

SPACES = st.sampled_from(["", " ", "\n  ", "\t", "\r\n    "])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=3), each, max_size=3), max_leaves=6
)


@st.composite
def objects(draw: st.DrawFn) -> tuple[str, list[tuple[str, str]]]:
    """Draw the text of an object with strange spaces, and its members as texts."""
    members = [
        (json.dumps(key, ensure_ascii=draw(st.booleans())), json.dumps(value, indent=draw(st.sampled_from([None, 1]))))
        for key, value in draw(st.dictionaries(st.text(max_size=3), VALUES, max_size=4)).items()
    ]
    written = [draw(SPACES) + key + draw(SPACES) + ":" + draw(SPACES) + value + draw(SPACES) for key, value in members]
    return draw(SPACES) + "{" + (",".join(written) or draw(SPACES)) + "}" + draw(SPACES), members


@given(objects(), st.text(max_size=3), VALUES)
def test_member_is_set_and_the_others_keep_their_order_and_text(drawn: tuple[str, list[tuple[str, str]]], key: str, value: Any) -> None:
    text, members = drawn

    changed = with_member(text, [key], value)

    expected = json.loads(text) | {key: value}
    assert list(json.loads(changed).items()) == list(expected.items())
    assert all(each in changed for name, each in members if json.loads(name) != key)
    assert with_member(changed, [key], value) == changed


@given(objects(), st.data())
def test_removed_member_is_gone_and_the_others_keep_their_order_and_text(
    drawn: tuple[str, list[tuple[str, str]]], data: st.DataObject
) -> None:
    text, members = drawn
    key = data.draw(st.sampled_from([json.loads(name) for name, _ in members] or ["new"]))
    text = text if members else with_member(text, [key], 1)

    changed = without_member(text, [key])

    assert list(json.loads(changed).items()) == [(name, value) for name, value in json.loads(text).items() if name != key]
    assert all(each in changed for name, each in members if json.loads(name) != key)


def test_new_member_is_written_in_the_indentation_of_the_text() -> None:
    text = '{\n\t"flags": {\n\t\t"a": {\n\t\t\t"state": "ENABLED"\n\t\t}\n\t}\n}\n'
    rule = {"if": [{"$ref": "a segment with quite a long name"}, "on", {"fractional": [["on", 25], ["off", 75]]}], "long": "x" * 60}

    changed = with_member(text, ["flags", "a", "targeting"], rule)

    assert changed == (
        '{\n\t"flags": {\n\t\t"a": {\n\t\t\t"state": "ENABLED",\n\t\t\t"targeting": {\n'
        '\t\t\t\t"if": [{"$ref": "a segment with quite a long name"}, "on", {"fractional": [["on", 25], ["off", 75]]}],\n'
        f'\t\t\t\t"long": "{"x" * 60}"\n\t\t\t}}\n\t\t}}\n\t}}\n}}\n'
    )


def test_line_breaks_of_windows_are_kept() -> None:
    text = '{\r\n  "flags": {\r\n    "a": 1\r\n  }\r\n}\r\n'

    changed = with_member(text, ["flags", "b"], ["x" * 60, "y" * 60])

    assert "\n" not in changed.replace("\r\n", "")
    assert json.loads(changed) == {"flags": {"a": 1, "b": ["x" * 60, "y" * 60]}}


def test_file_on_one_line_stays_on_one_line() -> None:
    assert (
        with_member('{"flags":{"a":{}}}', ["flags", "a", "targeting"], ["x" * 200])
        == '{"flags":{"a":{"targeting": ["' + "x" * 200 + '"]}}}'
    )


def test_last_of_two_members_with_one_key_is_changed_because_it_counts() -> None:
    assert json.loads(with_member('{"a": 1, "a": 2}', ["a"], 3)) == {"a": 3}

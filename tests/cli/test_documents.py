"""Documents in JSON or YAML, as users write them."""

from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from hypothesis import given
from hypothesis import strategies as st

from api.cli.documents import as_yaml, read_document

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "on",
        "no",
        "1:30",
        "1e5",
        "2026-01-31",
        "010",
        "1_000",
        "~",
        "",
        "null",
        "<<",
        "=",
        ".inf",
        "!x",
        "&a",
        "true",
        "-",
        "0x1F",
        "\x1b[2J",
    ]
)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT, lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3)
)


def read(folder: Path, text: str, name: str = "document.yaml") -> Any:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return read_document(file)


@given(DOCUMENTS)
def test_a_document_survives_writing_and_reading_as_yaml(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    written = as_yaml(document)

    assert read(tmp_path_factory.getbasetemp(), written) == document
    assert "\x1b" not in written


@given(TEXT)
def test_other_yaml_readers_read_texts_as_texts_too(text: str) -> None:
    assert yaml.safe_load(as_yaml({"value": text})) == {"value": text}


def test_only_json_literals_are_read_as_other_types_than_text(tmp_path: Path) -> None:
    text = "on: off\nwait: 1:30\nday: 2026-01-31\ncode: 010\nbig: 1_000\nyes: [true, null, ~, -3, 1.5, 1e5]\n"

    assert read(tmp_path, text) == {
        "on": "off",
        "wait": "1:30",
        "day": "2026-01-31",
        "code": "010",
        "big": "1_000",
        "yes": [True, None, None, -3, 1.5, 100000.0],
    }


def test_aliases_and_merges_are_resolved(tmp_path: Path) -> None:
    assert read(tmp_path, "a: &it {b: 1}\nc: *it\nd: {<<: *it, e: 2}\n") == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stages:\n  - name: x\n    1: y\n", "the field name 1, which is not text and needs quotes, at /stages/0"),
        ("a: {b: 1e999}", "a number that is not finite at /a/b"),
        ("a: !!timestamp 2026-01-31", "line 1"),
        ("a: !!python/object:os.system x", "line 1"),
        ("a: !!bool perhaps", "is not a YAML document"),
        ("a: b: c", "line 1, column 5"),
        ("a: &it [*it]", "an alias within itself"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" * 1
            + "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]",
            "far larger than the API accepts",
        ),
        ("\x00", "is not a YAML document"),
        ("[" * 5_000, "nested too deeply"),
    ],
)
def test_a_document_that_json_cannot_express_is_rejected_with_the_position(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    with pytest.raises(typer.Exit) as ended:
        read(tmp_path, text)

    assert ended.value.exit_code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("text", ["a: 1", '{"a": NaN}', '{"a": "\\ud800"}', "[" * 100_000])
def test_a_json_file_must_contain_valid_json(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(typer.Exit) as ended:
        read(tmp_path, text, "document.json")

    assert ended.value.exit_code == 2
    assert "document.json" in capsys.readouterr().err


def test_a_file_with_another_extension_may_contain_json_or_yaml(tmp_path: Path) -> None:
    assert read(tmp_path, '{\t"a": "\\ud83d\\ude00"}', "pipeline") == {"a": "😀"}
    assert read(tmp_path, "a: on", "pipeline") == {"a": "on"}


def test_a_file_that_is_not_text_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "document.yaml").write_bytes(b"\xff\xfe\x00")

    for file in ("document.yaml", "none.yaml", "."):
        with pytest.raises(typer.Exit):
            read_document(tmp_path / file)

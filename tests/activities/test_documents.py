"""Documents in JSON or YAML are parsed without a terminal: what is wrong is a refusal with its place."""

import pytest

from activities.documents import parse_document, yaml_of
from domain.errors import Invalid


@pytest.mark.parametrize(
    ("name", "text"),
    [("pipelines/web.json", '{"key": "web"}'), ("web.yaml", "key: web"), ("web.YML", "key: web"), ("Standard input", '{"key": "web"}')],
)
def test_the_extension_of_the_name_selects_the_format(name: str, text: str) -> None:
    assert parse_document(text, name) == {"key": "web"}


def test_a_json_file_is_not_read_as_yaml() -> None:
    with pytest.raises(Invalid, match=r"^web\.json is not a JSON document"):
        parse_document("key: web", "web.json")


def test_a_value_that_json_cannot_express_is_pointed_at() -> None:
    with pytest.raises(Invalid) as refused:
        parse_document("stages:\n  - name: One\n    trigger: {after: 1e999}\n", "web.yaml")

    assert refused.value.message == "web.yaml contains a number that is not finite at /stages/0/trigger/after, which JSON can't express."
    assert [each.pointer for each in refused.value.problems] == ["/stages/0/trigger/after"]


def test_yaml_in_ascii_is_the_same_document() -> None:
    document = {"name": "Übergang \x1b[2J"}

    assert yaml_of(document, only_ascii=True).isascii()
    assert parse_document(yaml_of(document, only_ascii=True), "x.yaml") == document

"""Only providers and the store read or write the state of flags."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("activities", "api", "workflows")
BEHIND_THE_SEAM = ("activities/providers/", "activities/store/")

DEFINITIONS = {"get", "find", "by_id", "page", "insert", "update", "delete"}
"""The calls that manage features, segments and environments themselves. `owner_of` is the project of an environment."""
ALLOWED = {"features": DEFINITIONS, "segments": DEFINITIONS | {"was_deleted"}, "environments": DEFINITIONS | {"owner_of"}}


def bypasses(source: str) -> Iterator[str]:
    """Each use of `store.features`, `store.segments` or `store.environments` that is not a call for a definition."""
    tree = ast.parse(source)
    parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ALLOWED and _is_store(node.value):
            parent = parents[node]
            if not (isinstance(parent, ast.Attribute) and parent.attr in ALLOWED[node.attr]):
                yield f"{node.lineno}: {ast.unparse(parent)}"


def _is_store(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "store") or (isinstance(node, ast.Attribute) and node.attr == "store")


def test_flag_state_is_read_and_written_through_the_provider_only() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    outside = {str(path.relative_to(ROOT)): path for path in modules}

    found = [
        f"{name}:{place}"
        for name, path in sorted(outside.items())
        if not name.startswith(BEHIND_THE_SEAM)
        for place in bypasses(path.read_text())
    ]

    assert found == [], "go through FlagProvider instead"


@pytest.mark.parametrize(
    "line",
    [
        "store.features.state(feature, environment)",
        "store.features.states([feature], project.id)",
        "self.store.features.write_state(feature, environment, state, at)",
        "store.features.overridden_for(project.id, 'beta')",
        "[each.key for each in store.segments.all(project.id)]",
        "store.environments.all(project.id)",
        "features = store.features",
    ],
)
def test_bypass_is_found(line: str) -> None:
    assert len(list(bypasses(line))) == 1


def test_definition_calls_are_no_bypass() -> None:
    assert list(bypasses("store.features.get(key, project.id)\nstore.segments.page(request, project.id)\npatch.segments.items()")) == []

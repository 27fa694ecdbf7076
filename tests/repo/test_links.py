"""Links between the documents have targets, and paths that they name exist."""

import re

import pytest

from tests.repo.guide import DOCUMENTS, GUIDE, NAMES, ROOT, anchors, blocks, links, text_of

_PATH = re.compile(r"`((?:api|workflows|activities|domain|tests|benchmarks|deploy|docs|findings|examples)/[\w./-]*\w)/?`")


@pytest.mark.parametrize("name", NAMES)
def test_every_link_has_a_target(name: str) -> None:
    here = ROOT / name
    broken = []
    for link in links(here.read_text()):
        target = (here.parent / link.path).resolve() if link.path else here
        if not target.exists() or (link.anchor and link.anchor not in anchors(target.read_text())):
            broken.append(link)

    assert broken == []


def test_guide_index_lists_all_chapters() -> None:
    chapters = {path.name for path in GUIDE.glob("*.md")} - {"README.md"}

    assert {link.path for link in links(text_of("docs/guide/README.md"))} >= chapters
    assert len(DOCUMENTS) > 20


@pytest.mark.parametrize("name", [name for name in NAMES if name != "CHANGELOG.md"])
def test_every_named_path_exists(name: str) -> None:
    text = text_of(name)

    assert [path for path in _PATH.findall(text) if not (ROOT / path).exists()] == []
    assert set(re.findall(r"\btest_\w+\.py\b", text)) <= {path.name for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("name", NAMES)
def test_sequence_diagrams_contain_no_semicolon(name: str) -> None:
    """Mermaid takes a semicolon for the end of a statement, and then shows an error instead of the diagram."""
    diagrams = [block for block in blocks(text_of(name), "mermaid") if block.startswith("sequenceDiagram")]

    assert [block for block in diagrams if ";" in block] == []

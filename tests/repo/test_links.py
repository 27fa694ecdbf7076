"""Links between the documents lead somewhere."""

import pytest

from tests.repo.guide import DOCUMENTS, GUIDE, NAMES, ROOT, anchors, links, text_of


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_and_a_heading_in_it(name: str) -> None:
    here = ROOT / name
    broken = []
    for link in links(here.read_text()):
        target = (here.parent / link.path).resolve() if link.path else here
        if not target.exists() or (link.anchor and link.anchor not in anchors(target.read_text())):
            broken.append(link)

    assert broken == []


def test_the_guide_has_an_index_of_all_its_chapters() -> None:
    chapters = {path.name for path in GUIDE.glob("*.md")} - {"README.md"}

    assert {link.path for link in links(text_of("docs/guide/README.md"))} >= chapters
    assert len(DOCUMENTS) > 20

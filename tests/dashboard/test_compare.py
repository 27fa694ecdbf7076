"""Two environments side by side on a page."""

import html
import re

import httpx

from tests.dashboard.conftest import SignIn, key_of
from tests.http import Api

PAGE = "/projects/shop/compare"
COMPARED = f"{PAGE}?left=development&right=production"


def _rows(page: httpx.Response) -> list[list[str]]:
    """Return the text of each cell of the table, without its heading."""
    rows = re.findall(r'<tr role="row">\n(.*?)</tr>', page.text, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in row] for row in cells]


def test_each_field_that_differs_is_a_row_in_the_words_of_other_pages(api: Api, sign_in: SignIn) -> None:
    api.patch("/projects/shop/features/checkout", {"name": "Checkout"})
    api.patch("/projects/shop/environments/development/features/checkout", {"enabled": True, "overrides": {"staff": {"value": "new"}}})
    api.patch("/projects/shop/environments/production/features/checkout", {"rollout": {"percent": 12.5, "value": "new"}})

    page = sign_in().look(COMPARED)

    assert page.status_code == 200
    feature = "Checkout   checkout"
    assert _rows(page) == [
        [feature, "enabled", "on", "off"],
        [feature, "rollout", "none", '12.5%: "new"'],
        [feature, "for segment staff", '"new", enabled as by default, priority 0', "no override"],
    ]


def test_environments_are_chosen_on_a_page_that_the_list_links_to(api: Api, sign_in: SignIn) -> None:
    api.patch("/projects/shop/environments/staging", {"name": "Last check"})
    viewer = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))

    assert f'href="{PAGE}">Compare</a>' in viewer.look("/projects/shop/environments").text
    page = viewer.look(PAGE).text

    assert '<option value="staging">Last check (staging)</option>' in page
    assert page.count(" selected") == 1, "the second environment, since one can't be compared with itself"
    assert "<table" not in page


def test_chosen_environments_stay_chosen_and_name_the_columns(api: Api, sign_in: SignIn) -> None:
    api.patch("/projects/shop/environments/staging", {"name": "Last check"})
    api.patch("/projects/shop/environments/staging/features/checkout", {"enabled": True})

    page = sign_in().look(f"{PAGE}?left=staging&right=development").text

    assert '<option value="staging" selected>' in page
    assert '<option value="development" selected>' in page
    assert 'columnheader">Last check (staging)</th><th scope="col" role="columnheader">development</th>' in page
    assert 'data-label="Last check (staging)">on</td>' in page


def test_equal_environments_have_no_table(sign_in: SignIn) -> None:
    page = sign_in().look(COMPARED).text

    assert "No feature differs between development and production." in page
    assert "<table" not in page


def test_an_environment_compared_with_itself_is_told_on_the_page_of_the_form(sign_in: SignIn) -> None:
    page = sign_in().look(f"{PAGE}?left=staging&right=staging").text

    assert "&#39;staging&#39; can&#39;t be compared with itself: choose two different environments." in page
    assert '<option value="staging" selected>' in page


def test_an_unknown_environment_is_not_found(sign_in: SignIn) -> None:
    page = sign_in().look(f"{PAGE}?left=staging&right=prodution")

    assert page.status_code == 404
    assert "Did you mean &#39;production&#39;?" in page.text


def test_a_project_with_one_environment_offers_no_comparison(api: Api, sign_in: SignIn) -> None:
    api.post("/projects", {"key": "small"})
    api.post("/projects/small/environments", {"key": "only"})
    visitor = sign_in()

    assert "/projects/small/compare" not in visitor.look("/projects/small/environments").text
    assert "A project needs two environments before they can be compared." in visitor.look("/projects/small/compare").text


def test_more_features_than_fit_on_a_page_are_one_link_further(api: Api, sign_in: SignIn) -> None:
    for number in range(51):
        api.post("/projects/shop/features", {"key": f"f{number:02}"})
        api.patch(f"/projects/shop/environments/production/features/f{number:02}", {"enabled": True})
    visitor = sign_in()

    first = visitor.look(COMPARED)
    link = re.search(r'href="(\?[^"]+)">More differences', first.text)
    assert link
    second = visitor.look(PAGE + html.unescape(link[1]))

    assert (len(_rows(first)), len(_rows(second))) == (50, 1)
    assert "More differences" not in second.text

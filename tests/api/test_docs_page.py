"""The documentation page of the API."""

import re

from tests.http import Api, get_url


def test_documentation_loads_nothing_from_other_hosts(api: Api) -> None:
    page = get_url(f"{api.address}/docs")

    assert page.status_code == 200
    assert "//" not in re.sub(r"^\s*//.*", "", page.text, flags=re.MULTILINE)
    assert '"validatorUrl": null' in page.text, "Swagger UI would send our address to validator.swagger.io"


def test_all_assets_of_the_documentation_are_served(api: Api) -> None:
    page = get_url(f"{api.address}/docs").text

    needed = re.findall(r"""(?:href|src)="([^"]+)"|url: '([^']+)'""", page)
    names = {name for found in needed for name in found if name}

    assert names == {"docs/assets/swagger-ui.css", "docs/assets/favicon.png", "docs/assets/swagger-ui-bundle.js", "openapi.json"}
    assert {get_url(f"{api.address}/{name}").status_code for name in names} == {200}


def test_no_other_site_can_show_the_documentation_in_a_frame(api: Api) -> None:
    page = get_url(f"{api.address}/docs")

    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert page.headers["x-frame-options"] == "DENY"

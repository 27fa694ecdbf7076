"""Pages of a project that is connected to a real Unleash."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.system import UnleashProject
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variant
from tests.dashboard.conftest import key_of
from tests.dashboard.test_environments import hidden
from tests.dashboard.visitor import Visitor
from tests.http import Api
from tests.pipelines import enable, pipeline, stage
from tests.unleash.connections import connected_project, new_project
from tests.unleash.server import PROJECT, UnleashServer
from tests.unleash.source import Source, constraint
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("unleash")


@pytest.fixture
def visitor(api: Api) -> Iterator[Visitor]:
    """The owner, signed in."""
    with closing(Visitor(api.address)) as visitor:
        visitor.sign_in()
        yield visitor


def test_project_is_connected_checked_and_disconnected(api: Api, visitor: Visitor, unleash: UnleashServer) -> None:
    project = new_project(api)
    home = f"{project}/provider"
    form = {"/kind": "unleash", "/address": unleash.address, "/environments": "live = production\n", "/credential": unleash.admin_token}

    assert "The flags of this project are kept here" in visitor.look(home).text
    connected = visitor.send(f"{home}/connect", **form, etag=hidden(visitor.look(f"{home}/connect"), "etag"))
    checked = visitor.look(f"{home}?check=yes")
    shown = visitor.look(f"{home}/connect")

    assert "Done." in connected.text
    assert "<code>production</code>" in connected.text
    assert "Everything works." in checked.text
    assert "live = production" in shown.text
    assert unleash.admin_token not in connected.text + checked.text + shown.text
    visitor.send(f"{home}/disconnect", etag=hidden(visitor.look(f"{home}/disconnect"), "etag"))
    assert api.get(f"{project}/connection")["kind"] == "builtin"


def test_mistakes_are_named_at_their_fields_and_the_token_is_not_sent_back(api: Api, visitor: Visitor, unleash: UnleashServer) -> None:
    home = f"{new_project(api)}/provider/connect"
    form = {"/kind": "unleash", "/address": unleash.address, "/credential": unleash.admin_token}
    etag = hidden(visitor.look(home), "etag")

    unknown = visitor.send(home, **form, **{"/environments": "live = prod"}, etag=etag)
    unread = visitor.send(home, **form, **{"/environments": "production"}, etag=etag)

    assert unknown.status_code == unread.status_code == 422
    assert 'id="/environments-problem">/live: The environment' in unknown.text
    assert "Write a line for each environment" in unread.text
    assert f'value="{unleash.address}"' in unknown.text
    assert unleash.admin_token not in unknown.text + unread.text


def test_pages_show_parts_of_others_and_offer_no_change_by_hand(api: Api, visitor: Visitor, unleash: UnleashServer) -> None:
    source = Source(unleash)
    source.segment("Pro users", constraint("plan", "IN", "pro"))
    name = source.feature("Shown", {"title": "Made by a person", "constraints": [constraint("plan", "IN", "pro")]})
    project = connected_project(api, unleash)
    segment = next(each["key"] for each in api.get(f"{project}/segments", limit=200)["items"] if source.end in each["key"])

    features, feature = visitor.look(f"{project}/features").text, visitor.look(f"{project}/features/{name.lower()}").text
    segments, one = visitor.look(f"{project}/segments").text, visitor.look(f"{project}/segments/{segment}").text
    environments = visitor.look(f"{project}/environments").text

    assert "Made by a person" in feature
    assert f"<code>{name}</code>" in feature
    assert "kept in Unleash" in one
    for page in (features, feature, segments, environments):
        assert f'kept in <a href="{project}/provider">Unleash</a>' in page
    offered = re.findall(r'href="([^"]+)"', features + feature + segments + one + environments)
    by_hand = re.compile(r"/(features|segments|environments)/.*(new|edit|delete|rotate|in/\w+)$")
    assert {each for each in offered if by_hand.search(each)} == {f"{project}/features/{name.lower()}/edit"}, (
        "only variants are defined here"
    )
    assert any(each.endswith(f"/releases/new?feature={name.lower()}") for each in offered), "a pipeline may change it"


def test_variants_are_defined_and_shown_on_the_page_of_a_feature(
    api: Api, visitor: Visitor, unleash: UnleashServer, admin: UnleashAdminApi
) -> None:
    name = Source(unleash).feature("split")
    page = f"{connected_project(api, unleash)}/features/{name}"
    form = visitor.look(f"{page}/edit")

    typed = {"/variants": "one-page = One page\ntwo-pages", "etag": hidden(form, "etag")}
    preview = visitor.send(f"{page}/edit", **typed)
    visitor.send(f"{page}/edit", **typed, confirmed=hidden(preview, "confirmed"))

    assert 'name="/name"' not in form.text
    assert "one-page" in preview.text
    expected = [{"key": "one-page", "value": "One page"}, {"key": "two-pages", "value": None}]
    assert api.get(page)["variants"] == expected
    patch = FlagPatch.model_validate({"enabled": True, "allocation": {"one-page": 30, "two-pages": 5}})
    variants = (Variant(key="one-page", value="One page"), Variant(key="two-pages"))
    UnleashProject(admin, PROJECT).apply(name, "development", patch, {}, variants=variants)
    wait_for("the allocation on the page", lambda: "one-page 30%, two-pages 5%" in visitor.look(page).text)
    shown = visitor.look(page).text
    assert "One page" in shown
    assert "was not made by Flaghoist, and would serve everyone" in shown, "it comes after the allocation"
    assert api.get(page)["environments"]["development"]["allocation"] == {"one-page": 30, "two-pages": 5}


def test_pages_say_that_unleash_is_down(api: Api, visitor: Visitor, unleash: UnleashServer) -> None:
    name = Source(unleash).feature("Outage").lower()
    project = connected_project(api, unleash)
    api.publish(pipeline(stage("Dev", "development", actions=[enable()])), project.rpartition("/")[2])

    unleash.kill()
    try:
        feature = visitor.look(f"{project}/features/{name}")
        simulated = visitor.look(f"{project}/releases/new?pipeline=standard&feature={name}")
        added = visitor.send(f"{project}/releases/new", pipeline="standard", feature=name)
        provider = visitor.look(f"{project}/provider")
    finally:
        unleash.start()

    assert feature.status_code == 200
    assert simulated.status_code == 200
    assert added.status_code == 503
    assert "The provider can&#39;t be reached" in added.text
    assert "Unleash: The connection failed." in provider.text


def test_viewer_sees_neither_the_address_nor_the_buttons(api: Api, unleash: UnleashServer) -> None:
    project = connected_project(api, unleash)
    viewer = api.make_key("vera", {"project": project.rpartition("/")[2], "role": "viewer"})
    with closing(Visitor(api.address, key_of(viewer))) as visitor:
        visitor.sign_in()

        page = visitor.look(f"{project}/provider")

        assert "Unleash" in page.text
        assert unleash.address not in page.text
        assert "Disconnect" not in page.text
        assert visitor.look(f"{project}/provider/connect").status_code == 403
        assert visitor.look(f"{project}/provider?check=yes").status_code == 403

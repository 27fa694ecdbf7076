"""Features and flags from the dashboard."""

import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.test_environments import hidden
from tests.dashboard.visitor import Visitor
from tests.http import Api

HOME = "/projects/shop/features"
FLAG = f"{HOME}/checkout/in/staging"
OVERRIDE = f"{FLAG}/overrides?segment=staff"
STATE = "/projects/shop/environments/staging/features/checkout"


def _confirm(visitor: Visitor, path: str, **fields: str) -> str:
    """Send a form, confirm what it shows, and return the preview."""
    form = fields | {"etag": hidden(visitor.look(path), "etag")}
    preview = visitor.send(path, **form)
    assert visitor.send(path, **form, confirmed=hidden(preview, "confirmed")).status_code == 200
    return preview.text


@pytest.mark.parametrize(
    ("type_", "text", "value"), [("integer", "50", 50), ("boolean", "true", True), ("string", "50", "50"), ("toggle", "", None)]
)
def test_a_feature_is_created_with_a_value_of_its_type(api: Api, sign_in: SignIn, type_: str, text: str, value: object) -> None:
    page = sign_in().send(f"{HOME}/new", **{"/key": "limit", "/type": type_, "/default/value": text, "/default/enabled": "on"})

    assert "Done." in page.text
    feature = api.get(f"{HOME}/limit")
    assert (feature["type"], feature["default"]) == (type_, {"enabled": True, "value": value})


def test_a_value_of_another_type_is_named_at_its_field(sign_in: SignIn) -> None:
    refused = sign_in().send(f"{HOME}/new", **{"/key": "limit", "/type": "integer", "/default/value": "many"})

    assert refused.status_code == 422
    assert "is of type string, but the feature accepts integer values" in refused.text
    assert 'name="/default/value" value="many" aria-invalid="true"' in refused.text


def test_a_feature_is_described_and_deleted(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()

    preview = _confirm(visitor, f"{HOME}/checkout/edit", **{"/name": "Checkout", "/description": "One page\r\nonly"})
    assert "<ins>&#34;Checkout&#34;</ins>" in preview
    assert api.get(f"{HOME}/checkout")["description"] == "One page\nonly"
    visitor.send(f"{HOME}/checkout/delete", etag=hidden(visitor.look(f"{HOME}/checkout/delete"), "etag"))

    assert api.request("GET", f"{HOME}/checkout").status_code == 404


def test_a_flag_is_changed_in_one_environment_and_only_the_changed_fields_are_named(api: Api, sign_in: SignIn) -> None:
    preview = _confirm(sign_in(), FLAG, **{"/enabled": "on", "/value": "classic"})

    assert "<del>off</del></td><td><ins>on</ins>" in preview
    assert '<th scope="row">value</th>' not in preview
    assert api.get(STATE)["enabled"] is True
    assert api.get("/projects/shop/environments/production/features/checkout")["enabled"] is False


def test_no_value_and_an_empty_text_differ(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()

    _confirm(visitor, FLAG, **{"/value": ""})
    assert api.get(STATE)["value"] == ""
    _confirm(visitor, FLAG, **{"/value": "", "/no_value": "on"})
    assert api.get(STATE)["value"] is None


def test_a_change_that_changes_nothing_is_refused(sign_in: SignIn) -> None:
    visitor = sign_in()
    form = {"/value": "classic", "etag": hidden(visitor.look(FLAG), "etag")}

    preview = visitor.send(FLAG, **form)
    refused = visitor.send(FLAG, **form, confirmed=hidden(preview, "confirmed"))

    assert "Nothing changes." in preview.text
    assert refused.status_code == 422


def test_a_flag_that_was_changed_meanwhile_is_not_overwritten(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    form = {"/enabled": "on", "/value": "mine", "etag": hidden(visitor.look(FLAG), "etag")}
    preview = visitor.send(FLAG, **form)
    api.patch(STATE, {"value": "theirs"})

    refused = visitor.send(FLAG, **form, confirmed=hidden(preview, "confirmed"))

    assert refused.status_code == 412
    assert "<del>&#34;theirs&#34;</del></td><td><ins>&#34;mine&#34;</ins>" in refused.text
    assert api.get(STATE)["value"] == "theirs"


def test_an_override_is_added_changed_and_removed(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()

    preview = _confirm(visitor, OVERRIDE, **{"/overrides/staff/enabled": "on", "/overrides/staff/value_is": "inherit"})
    assert "for segment staff</th><td><del>–</del></td><td><ins>on, value as by default, priority 0</ins>" in preview
    _confirm(
        visitor,
        OVERRIDE,
        **{
            "/overrides/staff/enabled": "inherit",
            "/overrides/staff/value_is": "this",
            "/overrides/staff/value": "new",
            "/overrides/staff/priority": "7",
        },
    )
    assert api.get(STATE)["overrides"]["staff"] == {
        "enabled": False,
        "value": "new",
        "inherits": ["enabled"],
        "priority": 7,
        "allocation": None,
    }
    remove = f"{FLAG}/overrides/remove?segment=staff"
    visitor.send(remove, etag=hidden(visitor.look(remove), "etag"))

    assert api.get(STATE)["overrides"] == {}


def test_a_priority_that_is_no_number_is_named(sign_in: SignIn) -> None:
    visitor = sign_in()
    form = {
        "/overrides/staff/enabled": "on",
        "/overrides/staff/value_is": "inherit",
        "/overrides/staff/priority": "first",
        "etag": hidden(visitor.look(OVERRIDE), "etag"),
    }

    refused = visitor.send(OVERRIDE, **form)

    assert refused.status_code == 422
    assert 'id="/overrides/staff/priority-problem">Must be a whole number.' in refused.text


def test_an_operator_is_offered_the_own_environments_and_refused_elsewhere(api: Api, sign_in: SignIn) -> None:
    operator = sign_in(key_of(api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["staging"]})))

    page = operator.look(f"{HOME}/checkout").text
    assert "/in/staging" in page
    assert "/in/production" not in page
    assert "/checkout/delete" not in page
    assert f"{HOME}/new" not in operator.look(HOME).text
    assert operator.look(FLAG).status_code == 200
    for path in (f"{HOME}/checkout/in/production", f"{HOME}/checkout/in/production/overrides?segment=staff", f"{HOME}/checkout/delete"):
        assert operator.look(path).status_code == 403
        assert operator.send(path, **{"/enabled": "on"}).status_code == 403
    assert operator.send(f"{HOME}/new", **{"/key": "limit", "/type": "toggle"}).status_code == 403


def test_a_viewer_is_offered_nothing_and_refused(api: Api, sign_in: SignIn) -> None:
    viewer = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))

    assert "Change" not in viewer.look(f"{HOME}/checkout").text
    for path in (FLAG, OVERRIDE, f"{FLAG}/overrides/remove?segment=staff", f"{HOME}/checkout/edit", f"{HOME}/checkout/delete"):
        assert viewer.look(path).status_code == 403
        assert viewer.send(path, **{"/enabled": "on", "/name": "Mine"}).status_code == 403


def test_variants_are_typed_one_per_line_and_changed(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()

    visitor.send(f"{HOME}/new", **{"/key": "limit", "/type": "integer", "/variants": "more = 10\r\nmost=20\r\n"})
    shown = visitor.look(f"{HOME}/limit/edit").text
    preview = _confirm(visitor, f"{HOME}/limit/edit", **{"/name": "limit", "/variants": "most = 20\r\nless = 1"})

    assert ">\nmore = 10\nmost = 20</textarea>" in shown
    assert "<del>more = 10, most = 20</del></td><td><ins>most = 20, less = 1</ins>" in preview
    assert api.get(f"{HOME}/limit")["variants"] == [{"key": "most", "value": 20}, {"key": "less", "value": 1}]
    refused = visitor.send(f"{HOME}/limit/edit", **{"/name": "limit", "/variants": "most = 20\ncontrol = 1", "etag": "x"})
    assert "/1/key: Must not be control, default, disabled or rollout" in refused.text


def test_shares_of_variants_are_changed_for_everyone_and_for_a_segment(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    api.patch(f"{HOME}/checkout", {"variants": [{"key": "one-page", "value": "One page"}]})

    preview = _confirm(visitor, FLAG, **{"/value": "classic", "/allocation": "one-page = 12.5 %"})
    assert "<del>none</del></td><td><ins>one-page 12.5%</ins>" in preview
    preview = _confirm(visitor, FLAG, **{"/value": "new", "/allocation": "one-page = 12.5"})
    assert '<th scope="row">variants</th>' not in preview
    assert (api.get(STATE)["value"], api.get(STATE)["allocation"]) == ("new", {"one-page": 12.5})
    follows = {"/overrides/staff/enabled": "inherit", "/overrides/staff/value_is": "inherit"}
    _confirm(visitor, OVERRIDE, **follows, **{"/overrides/staff/allocation_is": "this", "/overrides/staff/allocation": "one-page = 100"})
    assert api.get(STATE)["overrides"]["staff"]["allocation"] == {"one-page": 100}
    assert "one-page 100%" in visitor.look(FLAG).text
    _confirm(visitor, OVERRIDE, **follows, **{"/overrides/staff/allocation_is": "inherit"})
    assert api.get(STATE)["overrides"]["staff"]["allocation"] is None
    refused = visitor.send(FLAG, **{"/value": "new", "/allocation": "one-page = many", "etag": "x"})
    assert "/one-page: Must be a number with at most two decimals" in refused.text

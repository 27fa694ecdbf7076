"""The commands for approvals, stops and freezes."""

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, set_value, stage

WITH_APPROVAL = pipeline(
    stage("Everyone", "production", "24h", [enable(), set_value("one-page")]) | {"gates": [approval(2)]},
    stage("Watch", "production", "2d", []),
)
GRANT = {"project": "shop", "role": "operator", "environments": ["production"]}


@pytest.fixture
def release(api: Api, terminal: Terminal) -> str:
    """A release, added with the first key, whose stage requires two approvals."""
    api.publish(WITH_APPROVAL)
    return str(api.add()["id"])


def terminal_of(api: Api, name: str) -> Terminal:
    """Return a terminal with the key of a new operator of production."""
    created = api.post("/keys", {"name": name, "owner": {"kind": "person", "name": name}, "grants": [GRANT]})
    return Terminal(api.address, created["secret"])


def test_an_approval_shows_the_current_state_and_the_changes_and_asks(api: Api, release: str) -> None:
    terminal_of(api, "vera").run("releases", "approve", release, "--yes")
    victor = terminal_of(api, "victor")

    victor.run("releases", "approve", release, "--reason", "seen in staging", answers="y\n")

    assert victor.code == 0
    assert 'In production now: {"enabled": false, "value": "classic"}' in victor.err
    assert 'The stage would apply: {"enabled": true, "value": "one-page"}' in victor.err
    assert "Approved by vera." in victor.err
    assert "Approve 'Everyone' of 'checkout'? [y/N]" in victor.err
    assert "Approvals of 'Everyone': 2 of 2, by vera, victor." in victor.out
    [latest, *_] = api.get("/projects/shop/audit", event="release.approved")["items"]
    assert (latest["actor"]["owner"], latest["reason"]) == ("victor", "seen in staging")


def test_an_approval_shows_the_rules_of_the_segment(api: Api, terminal: Terminal) -> None:
    api.publish(pipeline(stage("Beta", "production", actions=[enable("beta-users")]) | {"gates": [approval()]}))
    vera = terminal_of(api, "vera")

    vera.run("releases", "approve", api.add()["id"], answers="n\n")

    assert "Segment 'beta-users' now: all of (group EQUAL beta-users)" in vera.err


def test_declining_approves_nothing(api: Api, release: str) -> None:
    vera = terminal_of(api, "vera")

    assert vera.run("releases", "approve", release, answers="n\n").code == 1

    assert api.release(release)["approval"]["given"] == []
    assert "Approvals of 'Everyone': 0 of 2." in vera.run("releases", "show", release).out


def test_a_service_cannot_approve(terminal: Terminal, release: str) -> None:
    assert terminal.run("releases", "approve", release, "--yes").code == 1

    assert "'bootstrap' is a service: only people can approve or reject." in terminal.err


def test_a_rejection_shows_its_effect_and_blocks_with_the_reason(api: Api, release: str) -> None:
    vera = terminal_of(api, "vera")

    vera.run("releases", "reject", release, "--reason", "not on a Friday", answers="y\n")

    assert vera.code == 0
    assert "'Everyone' will not act in production, and the release will be blocked." in vera.err
    assert "vera rejected 'Everyone': not on a Friday." in vera.out


def test_a_stop_reports_its_scope_and_the_command_that_lifts_it(terminal: Terminal, release: str) -> None:
    placed = terminal.run("stops", "place", "-e", "production", "--pipeline", "standard", "--reason", "orders fail").out
    [stop] = terminal.read_json("stops", "list")

    assert placed == f"Stopped environment production on pipeline standard. To lift the stop: flaghoist stops lift {stop['id']} -p shop\n"
    assert "orders fail" in terminal.run("stops", "list").out
    assert terminal.run("stops", "lift", stop["id"], answers="n\n").code == 1
    assert "Stages that became due act at once" in terminal.err
    assert terminal.run("stops", "lift", stop["id"], "--yes").out == "Lifted the stop of environment production on pipeline standard.\n"
    assert terminal.run("stops", "list").out == "None.\n"
    assert terminal.read_json("stops", "list", "--all")[0]["lifted_by"] == "bootstrap"


def test_a_stop_of_the_project_has_an_expiry_time(terminal: Terminal) -> None:
    placed = terminal.read_json("stops", "place", "--reason", "moving", "--until", "2030-03-01T18:00Z")

    assert (placed["environment"], placed["pipeline"], placed["expires_at"]) == (None, None, "2030-03-01T18:00:00Z")
    assert "the project" in terminal.run("stops", "list").out


def test_a_freeze_is_local_in_its_time_zone(terminal: Terminal) -> None:
    period = ("2026-12-23T18:00", "2027-01-04T08:00", "--timezone", "Europe/Berlin")
    output = terminal.run("freezes", "create", "Christmas", *period, "-e", "production", "--reason", "office closed").out

    assert output == "'Christmas' freezes production from 2026-12-23 17:00:00 until 2027-01-04 07:00:00.\n"
    [freeze] = terminal.read_json("freezes", "list")
    assert (freeze["name"], freeze["reason"], freeze["environments"]) == ("Christmas", "office closed", ["production"])
    assert terminal.run("freezes", "delete", freeze["id"], "--yes").out == "Deleted the freeze.\n"
    assert terminal.read_json("freezes", "list") == []


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (("freezes", "create", "Back", "2026-12-23T18:00Z", "2026-12-01T18:00Z"), "The end must be after the start."),
        (("freezes", "create", "Far", "2026-12-23T18:00Z", "2026-12-24T18:00Z", "--timezone", "Mars/Base"), "IANA time zone"),
        (("freezes", "create", "Nowhere", "2026-12-23T18:00Z", "2026-12-24T18:00Z", "-e", "moon"), "no environment 'moon'"),
        (("stops", "place", "--reason", "x", "-e", "moon"), "no environment 'moon'"),
        (("stops", "place", "--reason", "x", "--pipeline", "moon"), "no pipeline 'moon'"),
        (("stops", "place", "--reason", "x", "--until", "2020-01-01T00:00Z"), "A stop must expire in the future"),
    ],
)
def test_invalid_stops_and_freezes_are_refused_with_the_reason(terminal: Terminal, typed: tuple[str, ...], message: str) -> None:
    assert terminal.run(*typed).code == 1

    assert message in terminal.err
    assert (terminal.read_json("stops", "list"), terminal.read_json("freezes", "list")) == ([], [])


def test_question_without_an_answer_names_the_option_to_use_instead(api: Api, release: str) -> None:
    vera = terminal_of(api, "vera")

    assert vera.run("releases", "approve", release).code == 1

    assert "The option --yes confirms without a question." in vera.err
    assert api.release(release)["approval"]["given"] == []

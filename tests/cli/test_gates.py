"""Approving, stopping and freezing from a terminal: what is decided is shown first, and what was done is said in words."""

import pytest

from tests.cli.conftest import Terminal
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, set_value, stage

ASKING = pipeline(
    stage("Everyone", "production", "24h", [enable(), set_value("one-page")]) | {"gates": [approval(2)]},
    stage("Watch", "production", "2d", []),
)
GRANT = {"project": "shop", "role": "operator", "environments": ["production"]}


@pytest.fixture
def release(api: Api, terminal: Terminal) -> str:
    """A release that the first key added, and whose stage asks for two approvals."""
    api.publish(ASKING)
    return str(api.add()["id"])


def terminal_of(api: Api, name: str) -> Terminal:
    """The terminal of somebody else, who has the right on production."""
    made = api.post("/keys", {"name": name, "owner": {"kind": "person", "name": name}, "grants": [GRANT]})
    return Terminal(api.address, made["secret"])


def test_what_would_be_applied_and_what_is_there_now_is_shown_before_it_is_asked(api: Api, release: str) -> None:
    terminal_of(api, "vera").types("releases", "approve", release, "--yes")
    victor = terminal_of(api, "victor")

    victor.types("releases", "approve", release, "--reason", "seen in staging", answers="y\n")

    assert victor.code == 0
    assert 'In production now: {"enabled": false, "value": "classic"}' in victor.err
    assert 'It would apply: {"enabled": true, "value": "one-page"}' in victor.err
    assert "Approved by vera." in victor.err
    assert "Approve 'Everyone' of 'checkout'? [y/N]" in victor.err
    assert "Approvals of 'Everyone': 2 of 2, by vera, victor." in victor.out
    [latest, *_] = api.get("/projects/shop/audit", event="release.approved")["items"]
    assert (latest["actor"]["owner"], latest["reason"]) == ("victor", "seen in staging")


def test_a_no_to_the_question_approves_nothing(api: Api, release: str) -> None:
    vera = terminal_of(api, "vera")

    assert vera.types("releases", "approve", release, answers="n\n").code == 1

    assert api.release(release)["approval"]["given"] == []
    assert "Approvals of 'Everyone': 0 of 2." in vera.types("releases", "show", release).out


def test_who_may_not_approve_is_told_why(terminal: Terminal, release: str) -> None:
    assert terminal.types("releases", "approve", release, "--yes").code == 1

    assert "'bootstrap' is a service: only people can approve or reject." in terminal.err


def test_a_rejection_says_what_it_does_and_blocks_with_the_reason(api: Api, release: str) -> None:
    vera = terminal_of(api, "vera")

    vera.types("releases", "reject", release, "--reason", "not on a Friday", answers="y\n")

    assert vera.code == 0
    assert "'Everyone' will not act in production, and the release blocks." in vera.err
    assert "vera rejected 'Everyone': not on a Friday." in vera.out


def test_a_stop_says_what_it_stops_and_how_it_is_lifted(terminal: Terminal, release: str) -> None:
    placed = terminal.types("stops", "place", "-e", "production", "--pipeline", "standard", "--reason", "orders fail").out
    [stop] = terminal.reads("stops", "list")

    assert placed == f"Stopped environment production on pipeline standard. Lift it: flaghoist stops lift {stop['id']} -p shop\n"
    assert "orders fail" in terminal.types("stops", "list").out
    assert terminal.types("stops", "lift", stop["id"], answers="n\n").code == 1
    assert "What came due meanwhile acts at once" in terminal.err
    assert terminal.types("stops", "lift", stop["id"], "--yes").out == "Lifted the stop of environment production on pipeline standard.\n"
    assert terminal.types("stops", "list").out == "None.\n"
    assert terminal.reads("stops", "list", "--all")[0]["lifted_by"] == "bootstrap"


def test_a_stop_of_everything_stands_until_its_time(terminal: Terminal) -> None:
    made = terminal.reads("stops", "place", "--reason", "moving", "--until", "2030-03-01T18:00Z")

    assert (made["environment"], made["pipeline"], made["expires_at"]) == (None, None, "2030-03-01T18:00:00Z")
    assert "the project" in terminal.types("stops", "list").out


def test_a_freeze_is_local_in_its_zone_and_said_in_utc(terminal: Terminal) -> None:
    period = ("2026-12-23T18:00", "2027-01-04T08:00", "--timezone", "Europe/Berlin")
    said = terminal.types("freezes", "create", "Christmas", *period, "-e", "production", "--reason", "nobody is in").out

    assert said == "'Christmas' freezes production from 2026-12-23 17:00:00 until 2027-01-04 07:00:00 UTC.\n"
    [freeze] = terminal.reads("freezes", "list")
    assert (freeze["name"], freeze["reason"], freeze["environments"]) == ("Christmas", "nobody is in", ["production"])
    assert terminal.types("freezes", "delete", freeze["id"], "--yes").out == "Deleted the freeze.\n"
    assert terminal.reads("freezes", "list") == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("freezes", "create", "Back", "2026-12-23T18:00Z", "2026-12-01T18:00Z"), "A freeze ends after it starts."),
        (("freezes", "create", "Far", "2026-12-23T18:00Z", "2026-12-24T18:00Z", "--timezone", "Mars/Base"), "IANA time zone"),
        (("freezes", "create", "Nowhere", "2026-12-23T18:00Z", "2026-12-24T18:00Z", "-e", "moon"), "no environment 'moon'"),
        (("stops", "place", "--reason", "x", "-e", "moon"), "no environment 'moon'"),
        (("stops", "place", "--reason", "x", "--pipeline", "moon"), "no pipeline 'moon'"),
        (("stops", "place", "--reason", "x", "--until", "2020-01-01T00:00Z"), "A stop must expire in the future"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(terminal: Terminal, typed: tuple[str, ...], said: str) -> None:
    assert terminal.types(*typed).code == 1

    assert said in terminal.err
    assert (terminal.reads("stops", "list"), terminal.reads("freezes", "list")) == ([], [])

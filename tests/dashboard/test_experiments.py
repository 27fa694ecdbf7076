"""The experiment on the page of a release, with numbers as a watch stores them."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from activities.store.database import Database
from domain.metrics.sample import Unknown
from domain.releases.release import Release
from tests.activities.experimenting import BETTER, NOTHING_YET, OFF, SAME, experimenting
from tests.activities.guarding import later, look
from tests.activities.ramping import WON, ramping, take_step
from tests.dashboard.browser import PHONE, open_page
from tests.dashboard.visitor import Visitor
from tests.emptied import empty_database
from tests.http import OWNER_KEY, Api
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World, make_world

pytestmark = [pytest.mark.xdist_group("dashboard")]

GROWING = [NOTHING_YET, *({"control": (500 * n, 50 * n), "one-page": (500 * n, 55 * n)} for n in range(1, 12))]
RETURNS = {"metric": "returns", "better": "lower", "margin": 0.1}


@pytest.fixture
def world(shared_api_on_sqlite: Api, shared_sqlite: str) -> Iterator[World]:
    """The project `shop` in the API's database."""
    with closing(Database(shared_sqlite)) as database:
        yield make_world(database)
    empty_database(shared_sqlite)


@pytest.fixture
def metrics() -> ScriptedMetrics:
    return ScriptedMetrics()


@pytest.fixture
def visitor(world: World, shared_api_on_sqlite: Api) -> Iterator[Visitor]:
    """A visitor who has signed in."""
    with closing(Visitor(shared_api_on_sqlite.address)) as visitor:
        visitor.sign_in()
        yield visitor


def test_steps_of_a_winner_are_shown_with_their_times(world: World, metrics: ScriptedMetrics, visitor: Visitor) -> None:
    metrics.groups["conversion"] = WON
    release = ramping(world)
    take_step(world, release, metrics)

    page = visitor.look(f"/projects/shop/releases/{release.id}").text
    steps = page[page.index('<ul class="steps">') :]
    steps = steps[: steps.index("</ul>")]

    assert [steps.count(f"<strong>{share}%</strong>") for share in (60, 80, 100)] == [1, 1, 1]
    assert (steps.count('class="made"'), steps.count('class="ahead"')) == (1, 2)
    assert "serve winner to 60% for everyone, then 20% more every 6 h" in page


def section(visitor: Visitor, release: Release) -> str:
    """Return the section of the experiment."""
    page = visitor.look(f"/projects/shop/releases/{release.id}").text
    begins = page.index('id="experiment"')
    return page[begins : page.index("</section>", begins)]


def look_hourly(world: World, release: Release, metrics: ScriptedMetrics, *numbers: dict[str, tuple[int, int]]) -> None:
    for hour, each in enumerate(numbers, start=1):
        metrics.groups["conversion"] = each
        look(world, release, metrics, later(3600 * hour))


def test_decision_and_numbers_are_shown_with_a_picture(world: World, metrics: ScriptedMetrics, visitor: Visitor) -> None:
    release = experimenting(world)
    look_hourly(world, release, metrics, *GROWING, BETTER)

    shown = section(visitor, release)

    assert "Decided: &#39;one-page&#39; is shipped." in shown
    assert "&#39;one-page&#39; wins over &#39;control&#39;." in shown
    for cell in ("50%", "5,000", "0.1", "0.16", "+60.00% (between +", "better, with 95% confidence"):
        assert cell in shown
    assert 'role="img" aria-label="Lift of &#39;one-page&#39; at 12 looks:' in shown
    assert shown.count('class="decided"') == 1
    assert 'id="watched"' not in visitor.look(f"/projects/shop/releases/{release.id}").text


def test_experiment_without_a_decision_says_what_happens_without_a_winner(world: World, metrics: ScriptedMetrics, visitor: Visitor) -> None:
    release = experimenting(world)
    before = section(visitor, release)
    look_hourly(world, release, metrics, SAME)
    metrics.groups.clear()
    metrics.values["conversion"] = Unknown(code="source_down", message="The database can't be reached.")
    look(world, release, metrics, later(7200))

    shown = section(visitor, release)

    assert "There was no look yet" in before
    assert "Not decided yet. Without a winner, &#39;control&#39; is shipped." in shown
    assert "not proven better or worse" in shown
    assert "The database can&#39;t be reached." in shown
    assert "<svg" not in shown, "one look is no curve"


def test_experiment_that_was_left_without_a_decision_is_over(
    world: World, metrics: ScriptedMetrics, visitor: Visitor, shared_api_on_sqlite: Api
) -> None:
    release = experimenting(world)
    look_hourly(world, release, metrics, SAME)
    shared_api_on_sqlite.post(f"/projects/shop/releases/{release.id}/remove")

    assert "It is over without a decision: the stage is removed." in section(visitor, release)


def test_breached_guardrail_is_named_in_the_table(world: World, metrics: ScriptedMetrics, visitor: Visitor) -> None:
    release = experimenting(world, guardrails=[RETURNS])
    metrics.groups["returns"] = {"control": (5_000, 250), "one-page": (5_000, 600)}
    look_hourly(world, release, metrics, BETTER)

    assert "better, with 95% confidence, breaches &#39;returns&#39;" in section(visitor, release)
    assert "<li>Guardrail &#39;returns&#39; of &#39;one-page&#39;: +140.00% (between +" in section(visitor, release)


@pytest.mark.e2e
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_experiments_have_no_accessibility_violation_and_fit_a_phone(
    world: World, metrics: ScriptedMetrics, shared_api_on_sqlite: Api, browser: Browser, scheme: str
) -> None:
    release = experimenting(world)
    look_hourly(world, release, metrics, *GROWING, OFF if scheme == "dark" else BETTER)
    page = open_page(browser, shared_api_on_sqlite, OWNER_KEY, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))

    page.goto(f"{shared_api_on_sqlite.address}/projects/shop/releases/{release.id}")

    assert page.locator("#experiment svg polygon").count() > 0
    assert Axe().run(page).response["violations"] == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # by name
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert complaints == []
    page.context.close()

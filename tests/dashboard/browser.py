"""A real Chromium: from the PATH, or named by FLAGHOIST_CHROMIUM."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.http import OWNER_KEY, Api
from tests.waiting import CEILING

expect.set_options(timeout=CEILING * 1000)

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}

_OPTIONS = ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the path of the browser. `make test` installs it on Debian."""
    found = os.environ.get("FLAGHOIST_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "No Chromium was found: install it, or set FLAGHOIST_CHROMIUM to its path."
    return found


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless browser."""
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*_OPTIONS, *as_root])
        yield browser
        browser.close()


def sign_in(context: BrowserContext, address: str, key: str = OWNER_KEY) -> Page:
    """Return a page that is signed in."""
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


def open_page(browser: Browser, api: Api, key: str, **options: object) -> Page:
    """Return a page in a context of its own, signed in with this key."""
    context = browser.new_context(viewport=DESKTOP, **options)  # type: ignore[arg-type] # by name
    context.set_default_timeout(CEILING * 1000)
    return sign_in(context, api.address, key)


def pages_of(releases: dict[str, str]) -> dict[str, str]:
    """Return name -> path of every page, with those of releases in different states."""
    at = {feature: f"/projects/shop/releases/{id_}" for feature, id_ in releases.items()}
    return {
        "board": "/projects/shop",
        "release": at["one-page-checkout"],
        "release-rollout": at["search-suggestions"],
        "release-blocked": at["wish-lists"],
        "release-watched": at["instant-search"],
        "release-experiment": at["buy-button"],
        "release-paused": at["dark-mode"],
        "approve": f"{at['sale-banner']}/approve",
        "roll-back": f"{at['one-page-checkout']}/rollback",
        "retry": f"{at['wish-lists']}/retry",
        "add": "/projects/shop/releases/new?feature=gift-cards&pipeline=progressive",
        "approvals": "/projects/shop/approvals",
        "features": "/projects/shop/features",
        "feature": "/projects/shop/features/one-page-checkout",
        "feature-new": "/projects/shop/features/new",
        "flag": "/projects/shop/features/one-page-checkout/in/production",
        "override": "/projects/shop/features/one-page-checkout/in/production/overrides?segment=beta-users",
        "segments": "/projects/shop/segments",
        "segment": "/projects/shop/segments/beta-users",
        "segment-edit": "/projects/shop/segments/beta-users/edit",
        "environments": "/projects/shop/environments",
        "compare": "/projects/shop/compare?left=development&right=production",
        "environment-delete": "/projects/shop/environments/production/delete",
        "provider": "/projects/shop/provider",
        "provider-connect": "/projects/shop/provider/connect",
        "webhooks": "/projects/shop/webhooks",
        "webhook-new": "/projects/shop/webhooks/new",
        "keys": "/projects/shop/keys",
        "key-new": "/projects/shop/keys/new",
        "pipelines": "/projects/shop/pipelines",
        "pipeline": "/projects/shop/pipelines/progressive",
        "draft": "/projects/shop/pipelines/weekly",
        "new": "/projects/shop/pipelines/new",
        "new-from-template": "/projects/shop/pipelines/new?template=progressive-rollout",
        "edit": "/projects/shop/pipelines/weekly/edit",
        "publish": "/projects/shop/pipelines/weekly/publish",
        "clone": "/projects/shop/pipelines/phased/clone",
        "simulate": "/projects/shop/pipelines/phased/simulate",
        "pipeline-guarded": "/projects/shop/pipelines/guarded",
        "metrics": "/projects/shop/metrics",
        "metric": "/projects/shop/metrics/error-rate",
        "metric-new": "/projects/shop/metrics/new",
        "metric-edit": "/projects/shop/metrics/error-rate/edit",
        "metric-ask": "/projects/shop/metrics/error-rate/ask",
        "metric-ask-groups": "/projects/shop/metrics/conversion/ask",
        "source": "/projects/shop/sources/shop",
        "source-new": "/projects/shop/sources/new",
        "source-edit": "/projects/shop/sources/shop/edit",
        "stops": "/projects/shop/stops",
        "stop-new": "/projects/shop/stops/new",
        "freeze-new": "/projects/shop/freezes/new",
        "audit": "/projects/shop/audit",
        "project-new": "/new-project",
        "status": "/status",
        "not-found": "/projects/shop/releases/none",
    }

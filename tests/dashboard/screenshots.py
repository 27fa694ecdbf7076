"""Screenshots of every page into docs/images: `python -m tests.dashboard.screenshots`. With names, of these pages only."""

import argparse
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from activities.store.database import Database
from activities.store.migrate import migrate
from tests.dashboard.browser import DESKTOP, PHONE, pages_of, running_browser, sign_in
from tests.dashboard.shop import fill
from tests.e2e.stack import running_stack
from tests.http import Api

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIGN_IN = "sign-in"
LOOKS = {"light": (DESKTOP, "light"), "dark": (DESKTOP, "dark"), "phone": (PHONE, "light")}


def main(folder: Path, names: Collection[str] = ()) -> None:
    """Start everything, and take the screenshots, by default of every page."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as home:
        url = f"sqlite:///{home}/flaghoist.db"
        database = Database(url)
        migrate(database)
        database.close()
        with running_stack(Path(home), url) as stack:
            _shoot(stack.api, url, folder, names)


def _shoot(api: Api, url: str, folder: Path, names: Collection[str]) -> None:
    shop = fill(api, url)
    paths = pages_of(shop.releases)
    api.post("/projects/shop/stops", {"environment": "staging", "reason": "The staging database is being moved"})
    period = {"starts_at": "2030-12-23T18:00:00Z", "ends_at": "2031-01-02T08:00:00Z"}
    api.post("/projects/shop/freezes", {"name": "End of the year", "reason": "Nobody is at work", **period})
    with running_browser() as browser:
        for look, (viewport, scheme) in LOOKS.items():
            context = browser.new_context(viewport=viewport, color_scheme=scheme, locale="en-GB", timezone_id="Europe/Berlin")  # type: ignore[arg-type] # by name
            if not names or SIGN_IN in names:
                signed_out = context.new_page()
                signed_out.goto(f"{api.address}/sign-in")
                signed_out.screenshot(path=folder / f"{SIGN_IN}-{look}.png")
            page = sign_in(context, api.address, shop.key)
            for name, path in {name: path for name, path in paths.items() if not names or name in names}.items():
                page.goto(api.address + path)
                page.screenshot(path=folder / f"{name}-{look}.png", full_page=name != "audit")  # Its page is long.
            context.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="the pages, by default all")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    given = parser.parse_args()
    main(given.folder, given.names)

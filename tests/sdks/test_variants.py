"""Remote evaluation, OFREP and local evaluation by Flagsmith's SDKs for Python and Node serve the same variant to an identity."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.evaluation.applications import Application, change, keys_of
from tests.conftest import serve_without_temporal
from tests.http import Api
from tests.sdks.engines import FAST, Engine, started

pytestmark = pytest.mark.xdist_group("sdks")

IDENTITIES = 250
"""All agree about 10,000 as well, which takes ten minutes."""

VARIANTS = [{"key": "one", "value": "one page"}, {"key": "two", "value": "two pages"}, {"key": "video", "value": "a film"}]
STEPS: list[dict[str, Any]] = [
    {"allocation": {"one": 20, "two": 10.5}},
    {"allocation": {"one": 20, "two": 30, "video": 5}},
    {"allocation": {"two": 60.25, "video": 12}, "overrides": {"staff": {"allocation": {"one": 100}}}},
    {"allocation": {"one": 7, "two": 60.25, "video": 32.75}, "overrides": {"staff": {"allocation": None}, "beta-users": {"value": "beta"}}},
]


class Shop:
    """A flag with variants, and everything that serves it."""

    def __init__(self, api: Api, engines: dict[str, Engine], client_key: str) -> None:
        self.api, self.engines, self.app = api, engines, Application(api, client_key)

    def served(self, people: list[tuple[str, dict[str, str]]]) -> dict[str, list[Any]]:
        """Return who serves -> the value for each identity."""
        for engine in self.engines.values():
            engine.refresh()
        local = {name: [each["checkout"] for each in engine.values(people)] for name, engine in self.engines.items()}
        remote = [self.app.identify(identifier, True, **traits)["checkout"][1] for identifier, traits in people]
        ofrep = [self.app.evaluate({"targetingKey": identifier, **traits}, "checkout").json()["value"] for identifier, traits in people]
        return {"remote": remote, "OFREP": ofrep, **local}


@pytest.fixture(scope="module")
def shop(migrated_sqlite: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One project for all tests of this file: the SDKs take seconds to start."""
    path = tmp_path_factory.mktemp("variants") / "flaghoist.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    for api in serve_without_temporal(f"sqlite:///{path}"):
        api.make_project()
        api.patch("/projects/shop/features/checkout", {"variants": VARIANTS})
        change(api, {"enabled": True})
        client_key, server_key = keys_of(api)
        with started(FAST, api.address, server_key) as engines:
            yield Shop(api, engines, client_key)


def test_an_identity_has_one_variant_wherever_it_is_evaluated_at_every_step(shop: Shop) -> None:
    groups = [{}, {"group": "staff"}, {"group": "beta-users"}]
    people: list[tuple[str, dict[str, str]]] = [(f"user-{number}", groups[number % 3]) for number in range(IDENTITIES)]
    for step in STEPS:
        change(shop.api, step)

        found = shop.served(people)

        assert list(found) == ["remote", "OFREP", *FAST]
        for name, values in found.items():
            differing = [(*each, ours, value) for each, ours, value in zip(people, found["remote"], values, strict=True) if ours != value]
            assert differing == [], name
        assert len(Counter(found["remote"])) >= 3

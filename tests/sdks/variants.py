"""Variants by OFREP, by remote evaluation and in Flagsmith's SDKs: an identity must have the same one everywhere.

`python -m tests.sdks.variants` asks all four SDKs about 2,000 identities, at each of several allocations.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.api.evaluation.applications import Application, change, keys_of
from tests.http import Api
from tests.sdks.agreement import api_process
from tests.sdks.engines import ALL, Engine, started, versions

VARIANTS = [{"key": "one", "value": "one page"}, {"key": "two", "value": "two pages"}, {"key": "video", "value": "a film"}]
STEPS: list[dict[str, Any]] = [
    {"allocation": {"one": 20, "two": 10.5}},
    {"allocation": {"one": 20, "two": 30, "video": 5}},
    {"allocation": {"two": 60.25, "video": 12}, "overrides": {"staff": {"allocation": {"one": 100}}}},
    {"allocation": {"one": 7, "two": 60.25, "video": 32.75}, "overrides": {"staff": {"allocation": None}, "beta-users": {"value": "beta"}}},
]
GROUPS: list[dict[str, str]] = [{}, {"group": "staff"}, {"group": "beta-users"}]

People = Sequence[tuple[str, dict[str, str]]]


class Served:
    """A flag with variants, and everything that serves it."""

    def __init__(self, api: Api, engines: Mapping[str, Engine], client_key: str) -> None:
        self.api, self.engines, self.app = api, engines, Application(api, client_key)

    def by_each(self, people: People) -> dict[str, list[Any]]:
        """Return who serves -> the value for each identity."""
        for engine in self.engines.values():
            engine.refresh()
        local = {name: [each["checkout"] for each in engine.values(people)] for name, engine in self.engines.items()}
        remote = [self.app.identify(identifier, True, **traits)["checkout"][1] for identifier, traits in people]
        ofrep = [self.app.evaluate({"targetingKey": identifier, **traits}, "checkout").json()["value"] for identifier, traits in people]
        return {"remote": remote, "OFREP": ofrep, **local}

    def at_each_step(self, people: People) -> Iterator[dict[str, list[Any]]]:
        """Yield the same after each change of the allocation."""
        for step in STEPS:
            change(self.api, step)
            yield self.by_each(people)


def make_flag(api: Api) -> tuple[str, str]:
    """Make a flag with variants. Return a client key and a server key of its environment."""
    api.make_project()
    api.patch("/projects/shop/features/checkout", {"variants": VARIANTS})
    change(api, {"enabled": True})
    return keys_of(api)


def people(number: int) -> People:
    """Return that many identities, of all groups."""
    return [(f"user-{each}", GROUPS[each % len(GROUPS)]) for each in range(number)]


def differing(found: Mapping[str, list[Any]], asked: People) -> list[tuple[Any, ...]]:
    """Return who serves an identity something else than remote evaluation does, and what."""
    return [
        (name, *each, ours, value)
        for name, values in found.items()
        for each, ours, value in zip(asked, found["remote"], values, strict=True)
        if ours != value
    ]


def main() -> None:
    """Compare, and exit with 1 if there was a difference."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=2_000)
    options.add_argument("--sdks", nargs="+", choices=ALL, default=ALL)
    chosen = options.parse_args()
    asked, total = people(chosen.people), 0
    with api_process() as api:
        client_key, server_key = make_flag(api)
        with started(chosen.sdks, api.address, server_key) as engines:
            for number, found in enumerate(Served(api, engines, client_key).at_each_step(asked), start=1):
                wrong = differing(found, asked)
                total += len(wrong)
                print(*wrong, f"allocation {number}: {len(asked)} identities, {len(wrong)} differences", sep="\n", flush=True)
    print(f"{total} differences between remote evaluation, OFREP and {', '.join(versions()[name] for name in chosen.sdks)}")
    sys.exit(bool(total))


if __name__ == "__main__":
    main()

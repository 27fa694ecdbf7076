"""Remote evaluation, OFREP and local evaluation by Flagsmith's SDKs for Python and Node serve the same variant to an identity."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import serve_without_temporal
from tests.sdks.engines import FAST, started
from tests.sdks.variants import STEPS, Served, differing, make_flag, people

pytestmark = pytest.mark.xdist_group("sdks")

IDENTITIES = 250


@pytest.fixture(scope="module")
def served(migrated_sqlite: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One project for all tests of this file: the SDKs take seconds to start."""
    path = tmp_path_factory.mktemp("variants") / "flaghoist.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    for api in serve_without_temporal(f"sqlite:///{path}"):
        client_key, server_key = make_flag(api)
        with started(FAST, api.address, server_key) as engines:
            yield Served(api, engines, client_key)


def test_an_identity_has_one_variant_wherever_it_is_evaluated_at_every_step(served: Served) -> None:
    asked, steps = people(IDENTITIES), 0
    for found in served.at_each_step(asked):
        steps += 1
        assert list(found) == ["remote", "OFREP", *FAST]
        assert differing(found, asked) == []
        assert len(Counter(found["remote"])) >= 3
    assert steps == len(STEPS)


def test_a_difference_is_found() -> None:
    found = {"remote": ["one", "two"], "Go": ["one", "one"]}

    assert differing(found, [("ann", {}), ("bob", {"group": "staff"})]) == [("Go", "bob", {"group": "staff"}, "two", "one")]

"""Tests of a group run in one process, one after the other."""

import pytest

GROUP = "groups"


@pytest.mark.xdist_group(GROUP)
def test_the_processes_respect_groups(request: pytest.FixtureRequest) -> None:
    by_group = request.config.getoption("loadgroup", default=False)

    assert request.node.nodeid.endswith(f"@{GROUP}") == by_group

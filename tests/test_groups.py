"""Tests of a group run in one process, one after the other."""

import os

import pytest

GROUP = "groups"


@pytest.mark.xdist_group(GROUP)
def test_the_processes_respect_groups(request: pytest.FixtureRequest) -> None:
    side_by_side = "PYTEST_XDIST_WORKER" in os.environ

    assert request.node.nodeid.endswith(f"@{GROUP}") == side_by_side

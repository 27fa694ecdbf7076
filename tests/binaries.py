"""Paths of the real servers that the test environment includes."""

import sys
from pathlib import Path

TEMPORAL = Path(sys.executable).parent / "temporal"
TEST_SERVER = Path(sys.executable).parent / "temporal-test-server"

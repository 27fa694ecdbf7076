"""The real servers that come with the test environment."""

import sys
from pathlib import Path

TEMPORAL = Path(sys.executable).parent / "temporal"
TEST_SERVER = Path(sys.executable).parent / "temporal-test-server"

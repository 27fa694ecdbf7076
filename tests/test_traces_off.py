"""Traces that are off cost nothing, and say what they need if they can't be turned on."""

import os
import subprocess
import sys

import pytest

from tests.waiting import CEILING

WORKER = """
import sys
import worker

print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
API = """
import sys
from api.app import create_app
from settings import Settings

create_app(Settings())
print({"opentelemetry.sdk", "opentelemetry.exporter"} & set(sys.modules))
"""
WITHOUT_THE_LIBRARY = """
import sys
sys.modules["opentelemetry.sdk"] = None  # Then an import fails as if it were not installed.
import runpy
runpy.run_module({module!r}, run_name="__main__")
"""


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=CEILING, check=False)


def test_worker_loads_nothing_of_opentelemetry_if_traces_are_off() -> None:
    assert _python(WORKER, FLAGHOIST_TRACES="off").stdout == "[]\n"


@pytest.mark.parametrize(("traces", "is_loaded"), [("off", False), ("otlp", True)])
def test_api_loads_the_sdk_only_if_traces_are_on(traces: str, is_loaded: bool) -> None:
    """FastAPI itself imports OpenTelemetry's API, which does nothing without the SDK."""
    done = _python(API, FLAGHOIST_TRACES=traces)

    assert done.returncode == 0, done.stderr
    assert ("opentelemetry.sdk" in done.stdout) is is_loaded


@pytest.mark.parametrize(("module", "event"), [("api.app", "api_cannot_start"), ("worker", "worker_cannot_start")])
def test_process_without_the_library_says_how_to_install_it(module: str, event: str) -> None:
    done = _python(WITHOUT_THE_LIBRARY.format(module=module), FLAGHOIST_TRACES="otlp")

    assert done.returncode == 1
    assert event in done.stderr
    assert "pip install 'flaghoist[traces]'" in done.stderr

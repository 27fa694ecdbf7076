"""The commands that start processes."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.embedded.running import FLAGHOIST, settings_of
from tests.http import Api
from tests.ports import free_port
from tests.waiting import CEILING


def test_migrate_creates_the_folder_and_the_schema_and_can_be_repeated(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "deep" / "home")
    for _ in range(2):
        done = subprocess.run(
            [FLAGHOIST, "migrate"], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=CEILING, check=False
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "has this version's schema" in done.stdout

    assert (tmp_path / "deep" / "home" / "flaghoist.db").exists()


def test_a_failed_migration_is_reported_in_a_sentence_without_the_password(tmp_path: Path) -> None:
    settings = settings_of(tmp_path) | {"FLAGHOIST_DATABASE_URL": "postgresql+psycopg://somebody:secret@127.0.0.1:1/none"}

    done = subprocess.run([FLAGHOIST, "migrate"], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=CEILING, check=False)

    assert done.returncode == 1
    assert "Could not migrate" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("FLAGHOIST_RATE_LIMIT", "many", "must be 1 to 99999 requests"),
        ("FLAGHOIST_RATE_LIMIT", "0/minute", "must be 1 to 99999 requests"),
        ("FLAGHOIST_RATE_LIMIT", "600/day", "per second, minute or hour, such as 600/minute"),
        ("FLAGHOIST_WORKER_METRICS", "9464", "must be an IP address and a port"),
        ("FLAGHOIST_WORKER_METRICS", "localhost:9464", "must be an IP address and a port"),
        ("FLAGHOIST_WORKER_METRICS", "127.0.0.1:65536", "must be an IP address and a port"),
    ],
)
def test_an_invalid_setting_is_reported_in_a_sentence(tmp_path: Path, setting: str, value: str, message: str) -> None:
    settings = settings_of(tmp_path) | {setting: value}

    done = subprocess.run([FLAGHOIST, "api"], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=CEILING, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith(f"{setting}: must be ")
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_worker_exits_if_its_metrics_port_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = settings_of(tmp_path) | {"FLAGHOIST_WORKER_METRICS": address, "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}
        done = subprocess.run(
            [FLAGHOIST, "worker"], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=CEILING, check=False
        )

    assert done.returncode == 1
    assert "Address already in use" in done.stderr


@pytest.mark.e2e
@pytest.mark.xdist_group("embedded")
def test_api_and_worker_start_without_temporal_and_stop_on_sigterm(tmp_path: Path) -> None:
    settings = settings_of(tmp_path) | {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}
    # A module with the same name in the current folder must not be run instead of ours.
    (tmp_path / "worker.py").write_text("raise SystemExit(7)")
    subprocess.run([FLAGHOIST, "migrate"], env=settings, cwd=tmp_path, timeout=CEILING, check=True, stdout=subprocess.DEVNULL)
    with (
        subprocess.Popen([FLAGHOIST, "worker"], env=settings, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as worker,
        subprocess.Popen([FLAGHOIST, "api"], env=settings, cwd=tmp_path, stderr=subprocess.DEVNULL) as api,
    ):
        try:
            client = Api(f"http://127.0.0.1:{settings['FLAGHOIST_PORT']}", None)
            client.wait_until_ready()
            client.close()
            assert worker.stderr is not None
            assert "temporal_not_ready" in worker.stderr.readline()
            worker.terminate()
            assert worker.wait(CEILING) == 0
            api.terminate()
            assert api.wait(CEILING) in (0, -signal.SIGTERM)
        finally:
            worker.kill()
            api.kill()

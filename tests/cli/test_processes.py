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


def test_migrating_makes_the_folder_and_the_schema_and_may_be_repeated(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "deep" / "home")
    for _ in range(2):
        done = subprocess.run(
            [FLAGHOIST, "migrate"], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=CEILING, check=False
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "has this version's schema" in done.stdout

    assert (tmp_path / "deep" / "home" / "flaghoist.db").exists()


def test_a_database_that_cannot_be_migrated_is_a_sentence(tmp_path: Path) -> None:
    settings = settings_of(tmp_path) | {"FLAGHOIST_DATABASE_URL": "postgresql+psycopg://somebody:secret@127.0.0.1:1/none"}

    done = subprocess.run([FLAGHOIST, "migrate"], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=CEILING, check=False)

    assert done.returncode == 1
    assert "can't be migrated" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("FLAGHOIST_RATE_LIMIT", "many", "must be a number of requests"),
        ("FLAGHOIST_RATE_LIMIT", "0/minute", "must be a number of requests"),
        ("FLAGHOIST_RATE_LIMIT", "600/day", "per second, minute or hour, such as 600/minute"),
        ("FLAGHOIST_WORKER_METRICS", "9464", "must be an IP address and a port"),
        ("FLAGHOIST_WORKER_METRICS", "localhost:9464", "must be an IP address and a port"),
        ("FLAGHOIST_WORKER_METRICS", "127.0.0.1:65536", "must be an IP address and a port"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_at_the_start_with_a_sentence(tmp_path: Path, setting: str, value: str, said: str) -> None:
    settings = settings_of(tmp_path) | {setting: value}

    done = subprocess.run([FLAGHOIST, "api"], env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=CEILING, check=False)

    assert done.returncode == 2
    assert done.stderr.startswith(f"{setting}: must be ")
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_worker_whose_port_for_metrics_is_taken_says_so_and_ends(tmp_path: Path) -> None:
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
def test_api_and_worker_start_without_temporal_and_end_when_told(tmp_path: Path) -> None:
    settings = settings_of(tmp_path) | {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}"}
    # A module of the user's own must not take the place of ours.
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

"""A rehearsal: workers and APIs of an earlier revision are replaced by those of this one, while releases progress and more are added."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from process_exit import exit_process
from tests.cluster.cluster import Choices, Cluster, our_command, running_cluster
from tests.cluster.prerequisites import server_or_exit
from tests.e2e.stack import Process
from tests.http import OWNER_KEY, Api
from tests.pipelines import hold, pipeline, rollout, stage
from tests.repo.compose import ROOT
from tests.waiting import CEILING, wait_for

SECONDS_BETWEEN = 3.0
"""The time between one replaced process and the next."""

PAUSE = 0.3
"""The time between one request and the next, in seconds."""

PIPELINE = pipeline(
    stage("Development"),
    stage("Staging", "staging", "10s"),
    hold("Watch", "20s", "staging"),
    stage("Production", "production", "5s", actions=[rollout(25, 25, "5s")]),
    key="upgrade",
)
CHANGES = 1 + 1 + 4
"""The changes of a release on the pipeline, each step of the rollout being one."""


def main(revision: Annotated[str, typer.Argument(help="The revision of the earlier version, such as a tag or a commit.")]) -> None:
    """Install the revision, start it, replace its processes one after another, and check that every release is completed."""
    console = Console(highlight=False, soft_wrap=True)
    server = server_or_exit(console)
    folder = Path(tempfile.mkdtemp(prefix="flaghoist-upgrade-"))
    earlier = install(revision, folder / "earlier")
    with running_cluster(folder, server, Choices(program=earlier)) as cluster:
        adding = Adding(cluster.api)
        adding.start()
        adding.wait_for(10)
        for command in ("bootstrap", "replay"):
            run_once(cluster, command, console)
        for process in (*cluster.workers, *cluster.apis):
            replace(cluster, process, console)
        adding.wait_for(adding.number + 10)
        added = adding.stop()
        console.print(f"{len(added)} releases were added; answers: {dict(adding.answers)}", markup=False)
        wait_for("every release to be completed", lambda: _all_completed(cluster.api, added), interval=1)
        wrong = violations(cluster.api, added) + adding.surprises
    for each in wrong:
        console.print(f"VIOLATION {each}", markup=False)
    console.print(f"violations: {len(wrong)}", markup=False)
    if not wrong:
        shutil.rmtree(folder)
    exit_process(1 if wrong else 0)


def install(revision: str, folder: Path) -> Path:
    """Install a revision of this repository from its own lock file, and return the program `flaghoist` of it."""
    folder.mkdir()
    archive = folder / "source.tar"
    subprocess.run(["git", "archive", f"--output={archive}", revision], cwd=ROOT, check=True)  # noqa: S607 (Git is where it is installed)
    shutil.unpack_archive(archive, folder)
    environment = os.environ | {"UV_PROJECT_ENVIRONMENT": str(folder / ".venv")}
    command = [our_command("uv")[0], "sync", "--frozen", "--no-default-groups", "--quiet", "--directory", str(folder)]
    subprocess.run(command, env=environment, check=True)
    return folder / ".venv" / "bin" / "flaghoist"


def run_once(cluster: Cluster, command: str, console: Console) -> None:
    """Run a command of this version on the cluster. Raises RuntimeError if it fails."""
    process = Process(f"new-{command}", our_command("flaghoist", command), cluster.bootstrap.environment, cluster.folder)
    process.start()
    assert process.running
    if code := process.running.wait(CEILING):
        raise RuntimeError(f"{command} ended with {code}: {process.log.read_text()}")
    console.print(f"{command:12} of this version: {process.log.read_text().strip().splitlines()[-1]}", markup=False)


def replace(cluster: Cluster, process: Process, console: Console) -> None:
    """Stop a process of the earlier version, and start one of this version in its place."""
    process.send(signal.SIGTERM)
    assert process.running
    assert process.running.wait(CEILING) in (0, -signal.SIGTERM)  # Uvicorn ends by the signal, after it has finished its requests.
    process.command = our_command("flaghoist", process.command[-1])
    process.start()
    if process in cluster.apis:
        itself = Api(f"http://127.0.0.1:{process.environment['FLAGHOIST_PORT']}", key=None)
        itself.wait_until_ready()
        itself.close()
    console.print(f"{process.name:12} replaced", markup=False)
    time.sleep(SECONDS_BETWEEN)


class Adding:
    """Adds one flag after another until it is told to stop. Requests without an answer are sent again under the same key."""

    def __init__(self, api: Api) -> None:
        api.make_project()
        draft = api.post("/projects/shop/pipelines", PIPELINE)
        api.post(f"/projects/shop/pipelines/{draft['id']}/publish")
        self.api = api.with_key(OWNER_KEY)
        self.answers = Counter[int | str]()
        self.surprises = list[str]()
        self.number = 0
        self._added = list[str]()
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start adding."""
        self._thread.start()

    def wait_for(self, number: int) -> None:
        """Return once so many flags were added."""
        wait_for(f"{number} releases", lambda: len(self._added) >= number or bool(self.surprises), interval=0.2)

    def stop(self) -> list[str]:
        """Stop adding, and return the ids of all releases."""
        self._is_stopped.set()
        self._thread.join()
        return self._added

    def _run(self) -> None:
        for self.number in count(1):
            if self._is_stopped.is_set() or self.surprises:
                return
            feature = f"feature-{self.number}"
            self._post("/projects/shop/features", {"key": feature})
            added = self._post("/projects/shop/releases", {"feature": feature, "pipeline": PIPELINE["key"]})
            self._added.extend([added.json()["id"]] if added.is_success else [])
            time.sleep(PAUSE)

    def _post(self, path: str, body: dict[str, object]) -> httpx.Response:
        """Send it until it is answered other than by 503."""
        while True:
            try:
                answer = self.api.request("POST", path, body, headers={"Idempotency-Key": f"{path}/{self.number}"})
            except httpx.TransportError as error:
                self.answers[type(error).__name__] += 1
                time.sleep(PAUSE)
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code == 503:
                time.sleep(PAUSE)
                continue
            if not answer.is_success:
                self.surprises.append(f"{path} was answered by {answer.status_code}: {answer.text}")
            return answer


def violations(api: Api, added: list[str]) -> list[str]:
    """Return every release that did not make each of its changes once, or that was not added."""
    wrong = list[str]()
    for release in added:
        events = Counter(entry["event"] for entry in api.get("/projects/shop/audit", release=release, limit=200)["items"])
        found = (events["flag.changed"], events["stage.hold_ended"], events["release.completed"])
        if found != (CHANGES, 1, 1):
            wrong.append(f"{release} has {dict(events)}")
    recorded = {each["id"] for each in _releases(api)}
    return wrong + [f"{each} was not added" for each in recorded ^ set(added)]


def _all_completed(api: Api, added: list[str]) -> bool:
    return Counter(each["status"] for each in _releases(api)) == {"completed": len(added)}


def _releases(api: Api) -> list[dict[str, str]]:
    found, cursor = list[dict[str, str]](), dict[str, str]()
    while True:
        page = api.get("/projects/shop/releases", limit=200, **cursor)
        found += page["items"]
        if not page.get("next"):
            return found
        cursor = {"cursor": page["next"]}


if __name__ == "__main__":
    typer.run(main)

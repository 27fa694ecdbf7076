"""A rehearsal: releases progress on a Temporal cluster while one process after another is killed."""

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import typer
from rich.console import Console

from process_exit import exit_process
from tests.cluster.cluster import WORKERS, Cluster, running_cluster
from tests.cluster.postgresql import ClusterPostgresql
from tests.cluster.prerequisites import server_or_exit
from tests.e2e.stack import Process
from tests.http import Api
from tests.pipelines import hold, pipeline, stage
from tests.waiting import wait_for

RELEASES = 20
WAIT = "5s"
DOWN_SECONDS = 1.0
PIPELINE = pipeline(stage("Development"), stage("Production", "production", WAIT), hold("Watch", WAIT, "production"), key="rehearsal")
EXPECTED = {"flag.changed": 2 * RELEASES, "stage.hold_ended": RELEASES, "release.completed": RELEASES}


def main(*, kill: bool = True) -> None:
    """Build the server if it is missing, start everything, let releases progress, and end everything."""
    console = Console(highlight=False, soft_wrap=True)
    server = server_or_exit(console)
    folder = Path(tempfile.mkdtemp(prefix="flaghoist-cluster-"))
    with running_cluster(folder, server) as cluster:
        api = cluster.api
        for process in cluster.processes:
            assert process.running
            console.print(f"{process.name:22} process {process.running.pid}", markup=False)
        console.print(f"API at {api.address}; logs in {folder}", markup=False)
        wait_for("the API to see every worker", lambda: len(api.get("/status")["workers"]) == WORKERS, interval=1)
        add_releases(api)
        if kill:
            kill_each(cluster, console)
        wait_for("every release to be completed", lambda: states(api) == {"completed": RELEASES}, interval=1)
        acts = events(api)
        console.print(f"{RELEASES} of {RELEASES} releases completed: {acts}", markup=False)
        is_right = acts == EXPECTED
    shutil.rmtree(folder)
    exit_process(0 if is_right else 1)


def add_releases(api: Api) -> None:
    """Add as many flags to the pipeline as the rehearsal has releases."""
    api.make_project()
    draft = api.post("/projects/shop/pipelines", PIPELINE)
    api.post(f"/projects/shop/pipelines/{draft['id']}/publish")
    for number in range(RELEASES):
        api.post("/projects/shop/features", {"key": f"feature-{number}"})
        api.post("/projects/shop/releases", {"feature": f"feature-{number}", "pipeline": PIPELINE["key"]})


def states(api: Api) -> dict[str, int]:
    """Return status -> number of releases, or nothing while the API or its database is down."""
    try:
        answer = api.request("GET", f"/projects/shop/releases?limit={RELEASES}")
    except httpx.TransportError:
        return {}
    return dict(Counter(each["status"] for each in answer.json()["items"])) if answer.is_success else {}


def events(api: Api) -> dict[str, int]:
    """Return event -> number of entries in the audit log, for all that a release does once in each stage."""
    return {event: len(api.get("/audit", project="shop", event=event, limit=200)["items"]) for event in EXPECTED}


def kill_each(cluster: Cluster, console: Console) -> None:
    """Kill and start one process after another, while the releases progress."""
    victims: tuple[Process | ClusterPostgresql, ...] = (*cluster.processes, cluster.postgresql)
    for process in victims:
        process.kill()
        time.sleep(DOWN_SECONDS)
        process.start()
        console.print(f"{process.name:22} was killed, and is back after {DOWN_SECONDS:g} s", markup=False)


if __name__ == "__main__":
    typer.run(main)

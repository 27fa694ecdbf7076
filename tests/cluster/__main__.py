"""A rehearsal: the demo climbs on a Temporal cluster while one process after another is killed."""

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import typer
from rich.console import Console

from process_exit import exit_process
from tests.cluster.cluster import Cluster, running_cluster
from tests.cluster.postgresql import PostgresqlMissing, find_programs
from tests.cluster.temporal_server import GoMissing, build_server, server_version
from tests.http import Api
from tests.pipelines import hold, pipeline, stage
from tests.waiting import wait_for

RELEASES = 20
WAIT = "5s"
DOWN_SECONDS = 1.0
PIPELINE = pipeline(stage("Development"), stage("Production", "production", WAIT), hold("Watch", WAIT, "production"), key="rehearsal")


def main(*, kill: bool = True) -> None:
    """Build the server if it is missing, start everything, let releases climb, and end everything."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        console.print(f"Temporal {server_version()}: built from source the first time, which takes minutes", markup=False)
        server = build_server()
        find_programs()
    except (GoMissing, PostgresqlMissing) as missing:
        console.print(str(missing), markup=False)
        exit_process(1)
    folder = Path(tempfile.mkdtemp(prefix="flaghoist-cluster-"))
    with running_cluster(folder, server) as (cluster, api):
        for process in cluster.processes:
            assert process.running
            console.print(f"{process.name:22} process {process.running.pid}", markup=False)
        console.print(f"API at http://{cluster.balancer.address}; logs in {folder}", markup=False)
        add_releases(api)
        if kill:
            kill_each(cluster, console)
        wait_for("every release to be completed", lambda: states(api) == {"completed": RELEASES}, interval=1)
        console.print(f"{RELEASES} of {RELEASES} releases completed", markup=False)
    shutil.rmtree(folder)
    exit_process(0)


def add_releases(api: Api) -> None:
    """Add as many flags to the pipeline as the rehearsal has releases."""
    api.make_project()
    draft = api.post("/projects/shop/pipelines", PIPELINE)
    api.post(f"/projects/shop/pipelines/{draft['id']}/publish")
    for number in range(RELEASES):
        api.post("/projects/shop/features", {"key": f"feature-{number}"})
        api.post("/projects/shop/releases", {"feature": f"feature-{number}", "pipeline": PIPELINE["key"]})


def states(api: Api) -> dict[str, int]:
    """Return status -> number of releases."""
    return dict(Counter(each["status"] for each in api.get("/projects/shop/releases", limit=RELEASES)["items"]))


def kill_each(cluster: Cluster, console: Console) -> None:
    """Kill and start one process after another, while the releases climb."""
    for process in cluster.processes:
        process.kill()
        time.sleep(DOWN_SECONDS)
        process.start()
        console.print(f"{process.name:22} was killed, and is back after {DOWN_SECONDS:g} s", markup=False)


if __name__ == "__main__":
    typer.run(main)

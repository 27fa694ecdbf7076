"""The programs that a cluster takes besides the product."""

from rich.console import Console

from process_exit import exit_process
from tests.cluster.postgresql import PostgresqlMissing, find_programs
from tests.cluster.temporal_server import GoMissing, TemporalServer, build_server, server_version


def server_or_exit(console: Console) -> TemporalServer:
    """Build the server if it is missing, and return it. End with exit code 1 and a sentence if the machine lacks a program."""
    console.print(f"Temporal {server_version()}: built from source the first time, which takes minutes", markup=False)
    try:
        find_programs()
        return build_server()
    except (GoMissing, PostgresqlMissing) as missing:
        console.print(str(missing), markup=False)
        exit_process(1)

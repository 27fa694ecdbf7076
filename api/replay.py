"""The process that replays all open workflows with this version's code: `python -m api.replay FETCHES`."""

import asyncio
import sys

from rich.console import Console

from process_exit import run
from settings import Settings, configure_logs
from workflows.release import ReleaseWorkflow
from workflows.rollback import RollbackWorkflow
from workflows.service.client import TemporalUnavailable
from workflows.service.connection import Connection
from workflows.service.replay_gate import ReplayReport, replay_namespace
from workflows.webhook import WebhookWorkflow

WORKFLOWS = (ReleaseWorkflow, RollbackWorkflow, WebhookWorkflow)


def _lines(report: ReplayReport) -> list[str]:
    checked = f"Replayed {report.replayed} open workflows."
    begun = [f"{report.not_begun} more have not begun, so there is nothing to replay."] if report.not_begun else []
    if not report.failures:
        return [checked, *begun, "This version can continue all of them."]
    failed = [f"{each.workflow_id} (run {each.run_id}): {each.error}" for each in report.failures]
    return [checked, *begun, f"This version can't continue {len(failed)} of them. Don't start its workers.", *failed]


def replay() -> int:
    """Replay and print the result. Returns exit code 1 if a replay failed or Temporal did not answer."""
    settings = Settings(log_level="error")
    configure_logs(settings)
    try:
        report = asyncio.run(replay_namespace(WORKFLOWS, int(sys.argv[1]), Connection(settings.temporal_api_key_file, settings.codec_keys)))
    except TemporalUnavailable as error:
        message = f"The workflows can't be read: {str(error).rstrip('.')}. Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE."
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(message)
        return 1
    Console(highlight=False, markup=False, soft_wrap=True).print("\n".join(_lines(report)))
    return 1 if report.failures else 0


def main() -> None:
    """Replay all open workflows."""
    run(replay)


if __name__ == "__main__":
    main()

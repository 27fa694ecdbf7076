"""Temporal's sandbox, in which the tests replay: it raises on calls whose answer may differ in a replay."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions


def sandbox() -> SandboxedWorkflowRunner:
    """Return a sandbox that checks `workflows`. It trusts `domain` and `activities`: importing SQLAlchemy anew would take a second."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules("domain", "activities"))

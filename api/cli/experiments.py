"""The command that shows the experiments of a release."""

from typing import Any

import typer

from api.cli.output import local_time, show, show_json, show_table
from api.cli.samples import ReleaseArgument
from api.cli.session import JsonOption, ProjectOption, api_client
from api.client import path_of
from domain.experiments.comparison import Comparison
from domain.experiments.decision import ExperimentOutcome
from domain.experiments.sentences import about_guardrails, decided_in_words, lift_in_words, result_in_words, undecided_in_words
from domain.pipelines.experiment import HOLD
from domain.releases.status import StageOutcome, status_in_words


def list_experiments(context: typer.Context, project: ProjectOption, release: ReleaseArgument, as_json: JsonOption = False) -> None:
    """Show the experiments of a release: the decision, and the numbers of each arm at the newest look."""
    with api_client(context) as client:
        found = client.get(path_of("projects", project, "releases", release, "experiments"))
    if as_json:
        show_json(found)
        return
    for experiment in found["experiments"]:
        _show(experiment)
    if not found["experiments"]:
        show("This release has not reached an experiment.")


def _show(experiment: dict[str, Any]) -> None:
    show(f"'{experiment['stage']}', {experiment['environment']}: {experiment['rule']}", "bold")
    decision = experiment["decision"]
    show(f"{decided_in_words(decision['ships'])} {local_time(decision['at'])}" if decision else _undecided(experiment))
    show(experiment["message"])
    if experiment["cannot_tell"]:
        show(f"The newest sample brought no numbers. {experiment['cannot_tell']}")
    comparisons = {each["variant"]: Comparison.model_validate(each) for each in experiment["comparisons"]}
    rows = [[*_numbers(arm), *_results(comparisons.get(arm["key"]), experiment["confidence"])] for arm in experiment["arms"]]
    show_table(["Arm", "Planned", "Users", "Mean", "Lift", "Result"], rows)
    for sentence in (sentence for each in comparisons.values() for sentence in about_guardrails(each)):
        show(sentence)
    looked_at = f", the newest at {local_time(experiment['looked_at'])}" if experiment["looked_at"] else ""
    show(f"Looks: {experiment['looks']}{looked_at}. Sample ratio: p = {experiment['sample_ratio']['at_any_look']:.3g}.")


def _undecided(experiment: dict[str, Any]) -> str:
    if experiment["stage_outcome"] != StageOutcome.PENDING:
        return f"It is over without a decision: the stage is {status_in_words(experiment['stage_outcome'])}."
    otherwise = experiment["without_winner"]
    return undecided_in_words(ExperimentOutcome(experiment["outcome"]), None if otherwise == HOLD else otherwise)


def _numbers(arm: dict[str, Any]) -> list[str]:
    mean = "" if arm["mean"] is None else f"{arm['mean']:.6g}"
    return [arm["key"], f"{arm['planned_share']:.4g}%", f"{arm['users']:,}", mean]


def _results(comparison: Comparison | None, confidence: float) -> list[str]:
    return [lift_in_words(comparison), result_in_words(comparison, confidence)] if comparison else ["", ""]

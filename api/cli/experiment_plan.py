"""The command that plans an experiment. It needs no API."""

from typing import Annotated

import typer

from api.cli.help_panels import LOOK, command_group
from api.cli.output import show, show_json
from api.cli.usage import usage_error
from domain.errors import Invalid
from domain.experiments.plan import Plan, plan_of

app = command_group("Experiments: plan how long one takes.", "flaghoist experiments plan --rate 0.1 --lift 0.05 --users-per-day 4000")


@app.callback()
def _group() -> None:
    """Keep the group's one command a command of its own."""


@app.command("plan", rich_help_panel=LOOK)
def plan_experiment(
    rate: Annotated[float, typer.Option(help="The conversion of the control: 0.1 is 10%.")],
    lift: Annotated[float, typer.Option(help="The relative lift that is worth finding: 0.05 is 10% -> 10.5%.")],
    users_per_day: Annotated[int, typer.Option(help="The new users of a day, of all arms together.")],
    variants: Annotated[int, typer.Option(help="The number of variants besides the control.")] = 1,
    confidence: Annotated[float, typer.Option(help="The confidence of the experiment.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the numbers for the gate EXPERIMENT: the planned users of each arm, and the durations. The shares are equal."""
    try:
        plan = plan_of(rate, lift, users_per_day, variants, confidence)
    except Invalid as error:
        raise usage_error(str(error)) from error
    show_json(_fields(plan)) if as_json else show(_in_words(plan))


def _fields(plan: Plan) -> dict[str, int | str]:
    return {"planned": plan.planned, "shortest": f"{plan.shortest.days}d", "decide_every": "7d", "longest": f"{plan.longest.days}d"}


def _in_words(plan: Plan) -> str:
    fields = "\n".join(f"{name}: {value}" for name, value in _fields(plan).items())
    return f"{fields}\nIf the lift is real, it is found in about 85% of all experiments, and in about half of them with the planned users."

"""What a control will do, as a terminal tells it before it asks."""

from collections.abc import Callable, Iterable
from typing import Any

from api.cli.conflict_output import sides_in_words
from api.embedded.format_event import differences
from domain.releases.control import Control

Release = dict[str, Any]


def effect_of(control: Control, release: Release, to_stage: str = "") -> list[str]:
    """What the control will do with the release, what becomes of its rollouts included."""
    return [*_EFFECTS[control](release, to_stage)]


def question_of(control: Control, release: Release) -> str:
    """What is asked."""
    if control is Control.REMOVE:
        return f"Remove it from '{release['pipeline']['key']}' at '{release['stage']}'?"
    return f"{control.verb.capitalize()} it?"


def overwriting_in_words(release: Release) -> list[str]:
    """What a retry would run over; it holds for what is shown and nothing else."""
    details = (release["blocked_by"] or {}).get("details", {})
    lines = differences(details.get("now", {}), details.get("wanted", {}))
    return [f"It overwrites what was changed by hand: {'; '.join(lines)}."] if lines else []


def _advance(release: Release, _: str) -> Iterable[str]:
    yield f"'{release['stage']}' {_next_step(release) or 'acts'} at once in {release['environment']}."


def _skip(release: Release, _: str) -> Iterable[str]:
    yield f"'{release['stage']}' will not {'go on' if _next_step(release) else 'act'}, and the next stage is entered now."
    yield from _shares_stay(release)


def _retry(release: Release, _: str) -> Iterable[str]:
    yield from sides_in_words(release)
    yield f"'{release['stage']}' {_next_step(release) or 'acts'} in {release['environment']}, if nothing is in its way any more."


def _reject(release: Release, _: str) -> Iterable[str]:
    yield f"'{release['stage']}' will not act in {release['environment']}, and the release blocks."


def _restart(release: Release, to_stage: str) -> Iterable[str]:
    yield f"It leaves '{release['stage']}' and enters '{to_stage}' now; what was changed stays."
    names = [stage["name"].casefold() for stage in release["stages"]]
    first = names.index(to_stage.casefold()) if to_stage.casefold() in names else len(names)
    again = {stage["environment"]: stage for stage in reversed(release["stages"][first:]) if stage["steps"]}
    for environment, percent in release["rollouts"].items():
        if stage := again.get(environment):
            share = f"The rollout in {environment} stays at {percent} % until '{stage['name']}' acts again"
            yield f"{share}, and begins anew at {stage['steps'][0]['percent']} % then: who is in the share only now loses what it serves."
        else:
            yield f"The rollout in {environment} stays at {percent} %."


def _remove(release: Release, _: str) -> Iterable[str]:
    ahead = ", ".join(stage["name"] for stage in release["stages"] if stage["outcome"] in ("pending", "blocked")) or "none"
    yield f"'{release['feature']}' stays as it is; these stages will not act: {ahead}."
    yield from _shares_stay(release)


def _shares_stay(release: Release) -> Iterable[str]:
    for environment, percent in release["rollouts"].items():
        yield f"The rollout in {environment} stays at {percent} %."


def _next_step(release: Release) -> str:
    """What a rollout under way does next, with the share that it has now."""
    steps, now = release["stages"][release["stage_index"]]["steps"], release["rollouts"].get(release["environment"])
    if not steps or release["step"] == 1:
        return ""
    grows = f", from {now} %" if now else ""
    return f"makes its next step, to {steps[release['step'] - 1]['percent']} %{grows},"


_EFFECTS: dict[Control, Callable[[Release, str], Iterable[str]]] = {
    Control.ADVANCE: _advance,
    Control.SKIP: _skip,
    Control.RETRY: _retry,
    Control.REJECT: _reject,
    Control.RESTART: _restart,
    Control.REMOVE: _remove,
}

"""The effect of a control, shown before it is confirmed."""

from collections.abc import Callable, Iterable
from typing import Any

from api.cli.conflict_output import conflict_in_words
from api.embedded.format_event import differences
from domain.releases.control import Control

Release = dict[str, Any]


def effect_of(control: Control, release: Release, to_stage: str = "") -> list[str]:
    """Describe what the control does to the release and to its rollouts."""
    return [*_EFFECTS[control](release, to_stage)]


def question_of(control: Control, release: Release) -> str:
    """Return the question that asks for confirmation."""
    if control is Control.REMOVE:
        return f"Remove it from '{release['pipeline']['key']}' at '{release['stage']}'?"
    return f"{control.verb.capitalize()} it?"


def overwritten_in_words(release: Release) -> list[str]:
    """Describe the changes by hand that a retry would overwrite. The confirmation covers only these."""
    details = (release["blocked_by"] or {}).get("details", {})
    lines = differences(details.get("now", {}), details.get("wanted", {}))
    return [f"It overwrites changes made by hand: {'; '.join(lines)}."] if lines else []


def _advance(release: Release, _: str) -> Iterable[str]:
    yield f"'{release['stage']}' {_next_step(release) or 'acts'} at once in {release['environment']}."


def _skip(release: Release, _: str) -> Iterable[str]:
    yield f"'{release['stage']}' will not {'continue' if _next_step(release) else 'act'}. The release enters the next stage now."
    yield from _rollouts_stay(release)


def _retry(release: Release, _: str) -> Iterable[str]:
    yield from conflict_in_words(release)
    yield f"'{release['stage']}' {_next_step(release) or 'acts'} in {release['environment']}, unless something still blocks it."


def _reject(release: Release, _: str) -> Iterable[str]:
    yield f"'{release['stage']}' will not act in {release['environment']}, and the release will be blocked."


def _restart(release: Release, to_stage: str) -> Iterable[str]:
    yield f"It leaves '{release['stage']}' and enters '{to_stage}' now. Changes already made stay."
    names = [stage["name"].casefold() for stage in release["stages"]]
    first = names.index(to_stage.casefold()) if to_stage.casefold() in names else len(names)
    repeated = {stage["environment"]: stage for stage in reversed(release["stages"][first:]) if stage["steps"]}
    for environment, percent in release["rollouts"].items():
        if stage := repeated.get(environment):
            start = stage["steps"][0]["percent"]
            yield f"The rollout in {environment} stays at {percent}% until '{stage['name']}' acts again, then restarts at {start}%."
            yield f"Identities above {start}% lose the rollout's state at that point."
        else:
            yield f"The rollout in {environment} stays at {percent}%."


def _remove(release: Release, _: str) -> Iterable[str]:
    ahead = ", ".join(stage["name"] for stage in release["stages"] if stage["outcome"] in ("pending", "blocked")) or "none"
    yield f"'{release['feature']}' stays as it is. Stages that will not act: {ahead}."
    yield from _rollouts_stay(release)


def _rollouts_stay(release: Release) -> Iterable[str]:
    for environment, percent in release["rollouts"].items():
        yield f"The rollout in {environment} stays at {percent}%."


def _next_step(release: Release) -> str:
    """Describe the next step of a rollout that has started, with its current percentage. Return nothing for other stages."""
    steps, current = release["stages"][release["stage_index"]]["steps"], release["rollouts"].get(release["environment"])
    if not steps or release["step"] == 1:
        return ""
    growth = f", from {current}%" if current else ""
    return f"takes its next step, to {steps[release['step'] - 1]['percent']}%{growth},"


_EFFECTS: dict[Control, Callable[[Release, str], Iterable[str]]] = {
    Control.ADVANCE: _advance,
    Control.SKIP: _skip,
    Control.RETRY: _retry,
    Control.REJECT: _reject,
    Control.RESTART: _restart,
    Control.REMOVE: _remove,
}

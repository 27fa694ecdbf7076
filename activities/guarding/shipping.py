"""The change of a stage that ships the winner of an experiment: known from the record, and the same for every attempt."""

from activities.guarding.experiments import winner_of
from activities.messages import ChangeFlag
from activities.providers.catalogue import provider_of
from activities.store.database import Store
from domain.errors import NoDecision
from domain.flags.allocation import Allocation, grown_to
from domain.flags.patch import FlagPatch
from domain.pipelines.action import WINNER
from domain.pipelines.parameter import Parameters
from domain.pipelines.pipeline import Stage
from domain.releases.release import Release


def shipped(store: Store, release: Release, stage: Stage, command: ChangeFlag) -> FlagPatch:
    """Return the patch of one step. The winner grows from the shares that the step finds. Raises NoDecision."""
    patch = stage.patch(_with_winner(store, release), command.step)
    if not patch.allocation:
        return patch  # The control is shipped, or this is a step of another action.
    [(winner, share)] = patch.allocation.items()
    return patch.model_copy(update={"allocation": grown_to(_found(store, release, command), winner, share.percent)})


def _with_winner(store: Store, release: Release) -> Parameters:
    """Return the parameters of a release with what its latest experiment has decided to ship."""
    winner = winner_of(store, release.id)
    if winner is None:
        message = f"'{release.stage}' ships the winner of an experiment, and no experiment of this release has decided."
        raise NoDecision(f"{message} Skip the stage, or restart the release from the experiment.")
    return release.parameters | {WINNER: winner}


def _found(store: Store, release: Release, command: ChangeFlag) -> Allocation:
    """Return the allocation before this step, also if an earlier attempt has made a part of it in another system."""
    if earlier := store.intents.get(command.key):
        return earlier.before.allocation
    if command.overwrite:
        provider = provider_of(store.projects.get(command.project), store)
        return provider.look(release.feature, command.environment).allocation
    return store.releases.seen(release.id, command.environment).allocation

"""A project of Unleash as a flag system."""

import hashlib
import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping

from activities.providers.errors import ProviderError, ProviderRejected, ProviderUnauthorized
from activities.providers.flag_system import Finding, Origin, SegmentKeys, SystemFeature, SystemFlag, SystemSegment
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.calls import Add, Call, Delete, Replace, Switch, calls_to
from activities.providers.unleash.documents import Caller, Environment, Feature, Segment
from activities.providers.unleash.flag_state import flag_in
from activities.providers.unleash.ours import KnownFeature
from domain.errors import EnvironmentNotFound, FeatureNotFound
from domain.flags.patch import FlagPatch
from domain.flags.variant import Variants

NEEDED = ("UPDATE_FEATURE_ENVIRONMENT", "CREATE_FEATURE_STRATEGY", "UPDATE_FEATURE_STRATEGY", "DELETE_FEATURE_STRATEGY")
"""The permissions that the owner of the token needs in each environment."""

NOT_FOUND = 404
READ_SECONDS = 1.0
"""The age up to which a feature that was read counts as current."""


class UnleashProject:
    """One project of Unleash, through its Admin API."""

    def __init__(self, api: UnleashAdminApi, project: str) -> None:
        self._api, self._project = api, project
        self._latest = _Latest()

    def check(self, environments: Iterable[str]) -> Iterator[Finding]:
        """Yield what works and everything that is missing."""
        try:
            caller = self._api.caller()
        except ProviderUnauthorized as error:
            yield Finding(False, f"The token is refused: {error} Use an admin token or a personal access token.", "credential")
            return
        except ProviderError as error:
            yield Finding(False, f"Unleash does not answer there: {error} Check the address, and that Unleash is running.")
            return
        yield Finding(True, "Unleash answers at this address.")
        yield Finding(True, f"Unleash knows the token, as '{caller.username}'.", "credential")
        found = {each.name: each for each in self._api.environments(self._project)}
        if not any(each.visible for each in found.values()):
            message = f"There is no project '{self._project}' in Unleash that the token can see, or it has no environments."
            yield Finding(False, f"{message} Check its id in Unleash, and the owner's rights.", "project")
            return
        yield Finding(True, f"The token can see the project '{self._project}'.", "project")
        for name in environments:
            yield from self._check_environment(name, found, caller)

    def _check_environment(self, name: str, found: Mapping[str, Environment], caller: Caller) -> Iterator[Finding]:
        if name not in found or not found[name].visible:
            enabled = ", ".join(sorted(each for each in found if found[each].visible))
            message = f"The environment '{name}' is not enabled for the project '{self._project}'. Enabled are: {enabled}."
            yield Finding(False, message, "environments", name)
            return
        if missing := [each for each in NEEDED if not caller.may(each, self._project, name)]:
            message = f"The owner of the token lacks permissions in '{name}': {', '.join(missing)}. Add them in Unleash."
            yield Finding(False, message, "environments", name)
        else:
            yield Finding(True, f"Flags can be changed in '{name}'.", "environments", name)

    def environments(self) -> list[str]:
        """Return the environments that are enabled for the project."""
        return [each.name for each in self._api.environments(self._project) if each.visible]

    def features(self) -> list[SystemFeature]:
        """Return the features that are not archived."""
        return [SystemFeature(each.name, each.description or "") for each in self._api.features(self._project)]

    def segments(self) -> list[SystemSegment]:
        """Return the segments of all projects and those of this one."""
        usable = [each for each in self._api.segments() if each.project in (None, "", self._project)]
        return [SystemSegment(str(each.id), each.name, _digest(each)) for each in usable]

    def flags(self, feature: str, segments: SegmentKeys, variants: Variants = ()) -> Mapping[str, SystemFlag]:
        """Return environment -> flag. Raises FeatureNotFound."""
        found, known = self._latest.keep(self._feature(feature)), KnownFeature(feature, segments, variants)
        return {each.name: flag_in(each, known) for each in found.environments}

    def apply(
        self,
        feature: str,
        environment: str,
        patch: FlagPatch,
        segments: SegmentKeys,
        origin: Origin | None = None,  # noqa: ARG002 (it keeps no reasons)
        variants: Variants = (),
    ) -> None:
        """Change the named fields. Raises FeatureNotFound, EnvironmentNotFound, SegmentNotFound, KeptByOthers or Invalid."""
        place = (self._latest.take(feature) or self._feature(feature)).environment(environment)
        if place is None:
            raise EnvironmentNotFound(f"The environment '{environment}' is not enabled for the project '{self._project}' of Unleash.")
        known = KnownFeature(feature, segments, variants)
        target = patch.applied(flag_in(place, known).state)
        for call in calls_to(target, known, place):
            self._carry_out(call, feature, environment)

    def close(self) -> None:
        """Close the client."""
        self._api.close()

    def _carry_out(self, call: Call, feature: str, environment: str) -> None:
        place = self._project, feature, environment
        match call:
            case Add(strategy=strategy):
                self._api.add_strategy(*place, strategy)
            case Replace(strategy=strategy):
                self._api.update_strategy(*place, strategy)
            case Delete(strategy=strategy):
                self._api.delete_strategy(*place, strategy)
            case Switch(to=to):
                self._api.switch(*place, to)

    def _feature(self, name: str) -> Feature:
        try:
            return self._api.feature(self._project, name)
        except ProviderRejected as rejected:
            if rejected.status != NOT_FOUND:
                raise
            raise FeatureNotFound(f"There is no feature '{name}' in the project '{self._project}' of Unleash, or it is archived.") from None


class _Latest(threading.local):
    """The feature that this thread read last, so that a change right after a decision needs no call to read it again."""

    def __init__(self) -> None:
        self._found: tuple[float, Feature] | None = None

    def keep(self, feature: Feature) -> Feature:
        """Keep a feature that was just read."""
        self._found = time.monotonic(), feature
        return feature

    def take(self, name: str) -> Feature | None:
        """Return the feature if it was read within a second, once."""
        found, self._found = self._found, None
        return found[1] if found and found[1].name == name and time.monotonic() - found[0] < READ_SECONDS else None


def _digest(segment: Segment) -> str:
    return hashlib.sha256(json.dumps(segment.constraints, sort_keys=True).encode()).hexdigest()

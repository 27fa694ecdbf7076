"""Features of the default project, and what they are in one environment."""

import os

from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.documents import FeatureEnvironment, NewStrategy
from tests.unleash.server import PROJECT

DEV = "development"
HALF = NewStrategy(name="flexibleRollout", title="Half", parameters={"rollout": "50", "stickiness": "default", "groupId": "checkout"})


def new_feature(admin: UnleashAdminApi) -> str:
    """Create a feature and return its name."""
    name = f"feature-{os.urandom(6).hex()}"
    admin.create_feature(PROJECT, name)
    return name


def in_development(admin: UnleashAdminApi, feature: str) -> FeatureEnvironment:
    """Return the feature in the environment `DEV`."""
    found = admin.feature(PROJECT, feature).environment(DEV)
    assert found
    return found

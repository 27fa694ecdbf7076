"""Allocations in a real Unleash: how stages make them, and what Unleash's SDKs serve."""

from collections.abc import Mapping
from typing import Any

from activities.messages import Made
from activities.providers.unleash.documents import Strategy
from domain.flags.allocation import percents
from domain.flags.variant import Variant
from domain.releases.release import Release
from tests.unleash.sdks import SDKS
from tests.unleash.server import PROJECT
from tests.unleash.shop import Shop

PEOPLE = [{"userId": f"user-{number}"} for number in range(1_000)]
VARIANTS = (Variant(key="one-page", value="One page"), Variant(key="two-pages", value="Two pages"), Variant(key="wizard"))
PAYLOADS = {"one-page": "One page", "two-pages": "Two pages", "wizard": None, "control": None}


def served(shop: Shop, environment: str = "development", contexts: list[dict[str, Any]] = PEOPLE) -> list[str]:
    """Return the variant of each user by Unleash's SDKs, which agree, or `off`. Payloads are the values of the variants."""
    answers = {name: sdk(shop.unleash, [shop.feature], contexts, environment) for name, sdk in SDKS.items()}
    assert answers["Node"] == answers["Python"]
    found = [each[shop.feature] for each in answers["Node"]]
    assert all(payload == PAYLOADS.get(variant) for enabled, payload, variant in found if enabled)
    return [variant if enabled else "off" for enabled, _, variant in found]


def moved(before: list[str], after: list[str]) -> set[tuple[str, str]]:
    """Return from which variant to which one users moved."""
    return {(old, new) for old, new in zip(before, after, strict=True) if old != new}


def act(shop: Shop, release: Release) -> Made:
    """Carry out the current stage."""
    answer = shop.change(release)
    assert isinstance(answer, Made), answer
    return answer


def allocated(shop: Shop) -> Mapping[str, Any]:
    """Return the allocation that is read from Unleash now."""
    return percents(shop.flag().allocation)


def strategies(shop: Shop) -> list[Strategy]:
    """Return the strategies in development, in order."""
    found = shop.api.feature(PROJECT, shop.feature).environment("development")
    assert found
    return sorted(found.strategies, key=lambda each: each.sort_order)

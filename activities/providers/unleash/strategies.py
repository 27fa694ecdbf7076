"""Strategies of Unleash as what they do: serve a value to everybody, a segment, or a share of identities."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from activities.providers.unleash.constraints import NotExpressible, rules_of
from activities.providers.unleash.documents import FeatureEnvironment, Payload, Segment, Strategy, Variant
from domain.flags.segment import Rules
from domain.percentage import EVERYONE

_STICKY = (None, "", "default", "userId")
_PERCENTAGES = {"flexibleRollout": "rollout", "gradualRolloutUserId": "percentage"}


class Audience(NamedTuple):
    """Those whom a strategy serves: a segment of Unleash, other rules, a share of everybody, or everybody if it has none of these."""

    segment: int | None = None
    rules: Rules = ()
    percent: int | float | None = None

    @property
    def is_everyone(self) -> bool:
        """True if it has everybody."""
        return self == Audience()


class Serving(NamedTuple):
    """An audience, and the payload that it gets."""

    audience: Audience
    payload: Payload | None


class Read(NamedTuple):
    """A feature in one environment, the servings in the order in which they apply, and remarks on what could not be read."""

    servings: tuple[Serving, ...] = ()
    remarks: tuple[str, ...] = ()


def read(environment: FeatureEnvironment, segments: Mapping[int, Segment]) -> Read:
    """Return what the strategies of a feature do. A strategy that can't be expressed is left out, with a remark."""
    active = sorted((each for each in environment.strategies if not each.disabled), key=lambda each: each.sort_order)
    if not environment.enabled:
        return Read(remarks=("It is off there, so its strategies were not copied.",) if active else ())
    servings, remarks = list[Serving](), list[str]()
    # SDKs serve everybody if there is no active strategy. The server adds one when it switches such a feature on.
    for strategy in active or [Strategy(id="", name="default")]:
        try:
            serving = _serving_of(strategy, environment.variants or (), segments)
            if serving and serving.audience not in [each.audience for each in servings]:
                remarks += _of_order(serving, servings)
                servings.append(serving)
        except NotExpressible as reason:
            remarks.append(f"The strategy '{strategy.title or strategy.name}' was not copied, because {reason}.")
        if servings and servings[-1].audience.is_everyone:
            break
    return Read(tuple(servings), tuple(remarks))


def _serving_of(strategy: Strategy, variants: Sequence[Variant], segments: Mapping[int, Segment]) -> Serving | None:
    """Return what the strategy does, or None if it serves nobody."""
    percent = _percent_of(strategy)
    return Serving(_audience_of(strategy, percent, segments), _payload_of(strategy, variants)) if percent else None


def _audience_of(strategy: Strategy, percent: int | float, segments: Mapping[int, Segment]) -> Audience:
    constraints = [*strategy.constraints, *_users(strategy)]
    if not constraints and not strategy.segments:
        return Audience() if percent == EVERYONE else Audience(percent=percent)
    if percent != EVERYONE:
        raise NotExpressible(f"it serves {percent:g}% of a segment")
    rules = rules_of([*constraints, *(constraint for each in strategy.segments for constraint in _constraints_of(each, segments))])
    return Audience(rules=rules) if constraints or len(strategy.segments) > 1 else Audience(segment=strategy.segments[0])


def _constraints_of(segment: int, segments: Mapping[int, Segment]) -> list[dict[str, Any]]:
    if segment not in segments:
        raise NotExpressible(f"its segment {segment} is unknown")
    return segments[segment].constraints


def _users(strategy: Strategy) -> Iterator[dict[str, Any]]:
    if strategy.name == "userWithId":
        listed = strategy.parameters.get("userIds", "").split(",")
        yield {"contextName": "userId", "operator": "IN", "values": listed}


def _percent_of(strategy: Strategy) -> int | float:
    if strategy.name in ("default", "userWithId"):
        return EVERYONE
    if strategy.name not in _PERCENTAGES:
        raise NotExpressible(f"there is no counterpart of the strategy {strategy.name}")
    if strategy.parameters.get("stickiness") not in _STICKY:
        raise NotExpressible(f"its stickiness is '{strategy.parameters['stickiness']}', and only that by user can be copied")
    text = strategy.parameters.get(_PERCENTAGES[strategy.name], "")
    try:
        percent = float(text)
    except ValueError:
        percent = math.nan
    if not percent.is_integer() or not 0 <= percent <= EVERYONE:
        raise NotExpressible(f"'{text}' is not a whole percentage from 0 to 100")
    return int(percent)


def _payload_of(strategy: Strategy, variants: Sequence[Variant]) -> Payload | None:
    own = [Variant.model_validate(each) for each in strategy.variants] or variants
    if len(own) > 1:
        raise NotExpressible(f"it splits its users into {len(own)} variants")
    return own[0].payload if own else None


def _of_order(serving: Serving, before: Sequence[Serving]) -> Iterator[str]:
    """Yield a remark if a share came first and has another payload: in Flaghoist, a segment always comes before a share."""
    share = next((each for each in before if each.audience.percent is not None), None)
    if share is None or serving.audience.is_everyone:
        return
    if serving.audience.percent is not None:
        raise NotExpressible("a flag has at most one share")
    if share.payload != serving.payload:
        yield "Whoever is both in the share and in a segment gets the value of the segment. In Unleash, it was that of the share."

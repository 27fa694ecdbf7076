"""The demo with its flags in another system: what is created there, and the project that is connected to it."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from activities.dns import Resolver
from activities.providers.errors import ProviderRejected
from activities.providers.unleash.admin_api import UnleashAdminApi
from activities.providers.unleash.documents import NewSegment
from api.embedded.demo import PIPELINES, Demo
from domain.pipelines.templates import ON, ON_FOR_BETA, ON_WITHOUT_OVERRIDES

FEATURES = {
    "one-page-checkout": "The whole checkout on one page.",
    "search-suggestions": "Suggestions while the user types.",
    "gift-cards": "Not in a pipeline yet. Add it yourself.",
}
CALL_SECONDS = 10.0
_BETA = "Beta users"


def in_unleash(address: str, token: str) -> tuple[Demo, Callable[[], None]]:
    """Return the demo for the default project of an Unleash, and a function that creates its features there."""

    def create() -> None:
        resolver = Resolver(allow_private=True)
        with closing(UnleashAdminApi(address, SecretStr(token), attempt_seconds=CALL_SECONDS, resolver=resolver)) as api:
            for name, description in FEATURES.items():
                with _unless_it_exists():
                    api.create_feature("default", name, description)
            with _unless_it_exists():
                constraint = {"contextName": "beta", "operator": "IN", "values": ["true"]}
                api.create_segment(NewSegment(name=_BETA, constraints=[constraint]))

    connection = {"kind": "unleash", "address": address, "credential": token}
    return _demo("webshop-in-unleash", "Web shop with its flags in Unleash", connection), create


def in_flagd(folder: Path) -> tuple[Demo, Callable[[], None]]:
    """Return the demo for a folder of files for flagd, and a function that writes them unless they exist."""

    def create() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        toggle = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
        flags = {name: toggle | {"metadata": {"description": description}} for name, description in FEATURES.items()}
        evaluators = {"beta-users": {"==": [{"var": "beta"}, "true"]}}
        document = {"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": flags, "$evaluators": evaluators}
        for environment in ("development", "production"):
            path = folder / f"{environment}.json"
            if not path.exists():
                path.write_text(json.dumps(document, indent=2) + "\n")

    return _demo("webshop-in-flagd", "Web shop with its flags in files", {"kind": "flagd", "address": folder.name}), create


@contextmanager
def _unless_it_exists() -> Iterator[None]:
    try:
        yield
    except ProviderRejected as rejected:
        if rejected.status != HTTPStatus.CONFLICT:
            raise


def _demo(key: str, name: str, connection: dict[str, Any]) -> Demo:
    releases = [
        {"feature": "one-page-checkout", "pipeline": "progressive-rollout"},
        {"feature": "search-suggestions", "pipeline": "phased-rollout"},
    ]
    return Demo({"key": key, "name": name}, [], [], [], [_progressive(), _phased()], lambda _at: releases, connection=connection)


def _progressive() -> dict[str, Any]:
    def after(wait: str) -> dict[str, str]:
        return {"type": "WAIT_FOR", "duration": wait}

    return {
        "key": "progressive-rollout",
        "name": "Progressive rollout",
        "description": "Development, then a segment in production, then everyone.",
        "stages": [
            {"name": "Development", "environment": "development", "trigger": {"type": "ON_ENTER"}, "actions": [ON]},
            {"name": "Production beta", "environment": "production", "trigger": after("8s"), "actions": [ON_FOR_BETA]},
            {"name": "Production", "environment": "production", "trigger": after("12s"), "actions": [ON_WITHOUT_OVERRIDES]},
        ],
    }


def _phased() -> dict[str, Any]:
    definition = next(each for each in PIPELINES if each["key"] == "phased-rollout")
    first, *others = definition["stages"]
    return {**definition, "stages": [{**first, "name": "Development", "environment": "development"}, *others]}

"""Releases with a distinctive word in every name and every sentence, so that any place that stores one can be found."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.e2e.stack import Stack
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, stage
from tests.receiver import Receiver
from tests.waiting import wait_for

REACHES_TEMPORAL = {
    "wombat",  # project
    "quokka",  # feature
    "narwhal",  # environment
    "axolotl",  # segment
    "zanzibar",  # key of a pipeline
    "kakapo",  # name of a pipeline
    "okapi",  # name of a stage
    "pangolin",  # value
    "gerenuk",  # guardrail
    "capybara",  # metric
    "kinkajou",  # owner of a key
    "tapir",  # reason of a pause
    "numbat",  # reason of a resume
    "bilby",  # reason of a retry
    "dugong",  # reason of a rollback
    "quoll",  # Idempotency-Key
    "civet",  # reason of a removal
    "saola",  # comment of an approval
}
STAYS_HERE = {
    "fossa",  # URL of a webhook
    "margay",  # metric source
    "caracal",  # description of a feature
    "serow",  # description of a pipeline
    "ibex",  # secret of a key
    "vicuna",  # value of another person's change
}

PROJECT = "wombat-shop"
FEATURE = "quokka-checkout"


def act_out(stack: Stack, receiver: Receiver) -> list[str]:
    """Let three releases pass through whatever can happen to one, and return the ids of their workflows."""
    api = stack.api
    _define(stack, receiver)
    person = api.make_key("Kinkajou Karl", {"role": "owner"})
    blocked = _blocked_and_rolled_back(api, person)
    ended = _rolled_back_after_its_end(person)
    removed = _removed(person)
    wait_for("the webhook", lambda: len(receiver.received) >= 3)
    return [blocked, ended, f"{ended}/rollback/1", removed]


def _define(stack: Stack, receiver: Receiver) -> None:
    api = stack.api
    api.post("/projects", {"key": PROJECT, "name": "Wombat Shop"})
    for environment in ("narwhal-staging", "narwhal-production"):
        api.post(f"/projects/{PROJECT}/environments", {"key": environment})
    rules = [{"type": "ALL", "rules": [], "conditions": [{"property": "group", "operator": "EQUAL", "value": "axolotl"}]}]
    api.post(f"/projects/{PROJECT}/segments", {"key": "axolotl-users", "rules": rules})
    _define_metric(api, stack.folder)
    for feature in (FEATURE, "quokka-search", "quokka-basket"):
        default = {"enabled": False, "value": "classic"}
        api.post(f"/projects/{PROJECT}/features", {"key": feature, "description": "Caracal", "default": default})
    for definition in (_long(), _short()):
        api.publish(definition, PROJECT)
    api.post(f"/projects/{PROJECT}/webhooks", {"url": receiver.url("/fossa"), "events": ["stage.acted", "release.completed"]})


def _define_metric(api: Api, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "orders.db")) as connection, connection:
        connection.execute("CREATE TABLE orders (amount REAL)")
        connection.execute("INSERT INTO orders VALUES (1)")
    source = {"key": "margay", "name": "Margay", "kind": "sql", "address": "sqlite:///orders.db"}
    api.post(f"/projects/{PROJECT}/sources", source)
    metric = {"key": "capybara-orders", "name": "Capybara orders", "source": "margay", "query": "SELECT sum(amount) FROM orders"}
    api.post(f"/projects/{PROJECT}/metrics", metric)


def _long() -> dict[str, Any]:
    value = {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "pangolin-value"}}
    condition = {"type": "THRESHOLD", "at_least": 1}
    guardrail = {"name": "Gerenuk", "metric": "capybara-orders", "condition": condition, "stages": ["Okapi watch"], "on_breach": "pause"}
    return pipeline(
        stage("Okapi staging", "narwhal-staging", actions=[enable(), value]),
        stage("Okapi beta", "narwhal-production", actions=[enable("axolotl-users")]) | {"gates": [approval()]},
        stage("Okapi everyone", "narwhal-production", "1h", actions=[enable(), value]),
        stage("Okapi watch", "narwhal-production", "1h", actions=[]),
        key="zanzibar",
        name="Kakapo way",
        description="Serow",
        parameters={"pangolin-value": {"type": "string"}},
        guardrails=[guardrail | {"every": "5s", "failures": 3}],
    )


def _short() -> dict[str, Any]:
    stages = stage("Okapi now", "narwhal-staging"), stage("Okapi later", "narwhal-production", "1s", actions=[enable("axolotl-users")])
    return pipeline(*stages, key="zanzibar-short", name="Kakapo short cut")


def _blocked_and_rolled_back(api: Api, person: Api) -> str:
    added = person.add(FEATURE, "zanzibar", PROJECT, parameters={"pangolin-value": "pangolin"})
    path = f"/projects/{PROJECT}/releases/{added['id']}"
    api.wait_for_stage(added["id"], "Okapi beta", PROJECT)
    wait_for("the gate", lambda: (api.release(added["id"], PROJECT)["waiting_for"] or {}).get("code") == "approval")
    api.make_key("Kinkajou Kim", {"role": "owner"}).post(f"{path}/approve", {"reason": "Saola says yes"})
    api.wait_for_stage(added["id"], "Okapi everyone", PROJECT)
    person.post(f"{path}/pause", {"reason": "Tapir is ill"})
    body, headers = {"reason": "Numbat is well"}, {"Idempotency-Key": "quoll-resume"}
    wait_for("the workflow to know of the pause", lambda: person.request("POST", f"{path}/resume", body, headers=headers).is_success)
    api.patch(f"/projects/{PROJECT}/environments/narwhal-production/features/{FEATURE}", {"value": "vicuna"})
    person.post(f"{path}/advance", {"reason": "Numbat again"})
    api.wait_for_release(added["id"], "blocked", project=PROJECT)
    person.post(f"{path}/retry", {"reason": "Bilby knows", "overwrite": True}, **{"Idempotency-Key": "quoll-retry"})
    api.wait_for_stage(added["id"], "Okapi watch", PROJECT)
    wait_for("a sample", lambda: any(each["samples"] for each in api.get(f"{path}/samples")["watches"]))
    person.post(f"{path}/rollback", {"reason": "Dugong complains"})
    api.wait_for_release(added["id"], "rolled_back", project=PROJECT)
    return str(added["workflow_id"])


def _rolled_back_after_its_end(person: Api) -> str:
    added = person.add("quokka-search", "zanzibar-short", PROJECT)
    person.wait_for_release(added["id"], "completed", project=PROJECT)
    person.post(f"/projects/{PROJECT}/releases/{added['id']}/rollback", {"reason": "Dugong regrets"})
    person.wait_for_release(added["id"], "rolled_back", project=PROJECT)
    return str(added["workflow_id"])


def _removed(person: Api) -> str:
    added = person.add("quokka-basket", "zanzibar", PROJECT, parameters={"pangolin-value": "pangolin"})
    person.wait_for_stage(added["id"], "Okapi beta", PROJECT)
    person.post(f"/projects/{PROJECT}/releases/{added['id']}/remove", {"reason": "Civet left"})
    return str(added["workflow_id"])

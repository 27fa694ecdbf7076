"""The environment of the requests: a project with one of everything, a second project, and a key in each role."""

from typing import Any

from activities.store.database import Database
from tests.api.evaluation.applications import keys_of
from tests.api.places import Place
from tests.api.routes import place_of
from tests.emptied import empty
from tests.http import Api
from tests.input.roles import CANARY, ELSEWHERE, HOOK, ROLES, key_of
from tests.input.rows import Row, rows_of
from tests.pipelines import approval, pipeline, rollout, stage

EXISTING = {
    "project": ["shop", "elsewhere"],
    "environment": ["development", "staging", "production"],
    "feature": ["checkout", "search"],
    "segment": ["staff", "beta-users"],
    "pipeline": ["standard"],
    "stage": ["Development", "Staging", "Production"],
    "starting_stage": ["Development", "Staging", "Production"],
    "to_stage": ["Development", "Staging"],
    "owner": ["owner", "viewer"],
}
"""The keys of existing resources, by the name of the fields and parameters that refer to them."""

_NEEDED = ("", "/environments/development", "/features/checkout", "/segments/staff")


class InputEnvironment:
    """An API with resources to send requests about."""

    def __init__(self, api: Api, database: Database) -> None:
        self.api = api
        self.database = database
        self.reset()

    def reset(self) -> None:
        """Empty the database, and create every resource."""
        empty(self.database)
        for project, name in (("shop", CANARY), ("elsewhere", ELSEWHERE)):
            self.api.make_project(project)
            self.api.patch(f"/projects/{project}", {"name": name})
            self.api.post(f"/projects/{project}/features", {"key": "search", "name": name, "description": name})
            self.api.publish(_climb(name), project)
            self.api.add("search", project=project)
        self.api.post("/projects/shop/webhooks", {"url": f"https://93.184.216.34/{HOOK}", "events": ["stop.placed"]})
        self.keys = {role.name: key_of(self.api, role) for role in ROLES}
        self.development = _id_of_development(rows_of(self.database))

    def repair(self) -> None:
        """Reset if a resource is gone."""
        if any(self.api.request("GET", f"/projects/shop{path}").status_code != 200 for path in _NEEDED):
            self.reset()

    def place_of(self, route: str) -> Place:
        """Return the parameters and a valid body for a route. Reset first if a limit has been reached."""
        try:
            return place_of(self.api, route)
        except AssertionError:
            self.reset()
            return place_of(self.api, route)


def readers_of(environment: InputEnvironment) -> dict[str, str]:
    """Return the key of each kind of client that reads flags."""
    client, server = keys_of(environment.api, "development")
    return {"no key": "", "person": environment.keys["admin"] or "", "client": client, "server": server}


def _climb(name: str) -> dict[str, Any]:
    last = stage("Production", "production", wait="1h", actions=[rollout()]) | {"gates": [approval()]}
    return pipeline(stage("Development"), stage("Staging", "staging"), last, description=name)


def _id_of_development(rows: frozenset[Row]) -> str:
    [shop] = [row.columns["id"] for row in rows if row.table == "projects" and row.columns["key"] == "shop"]
    environments = [row.columns for row in rows if row.table == "environments"]
    [found] = [str(each["id"]) for each in environments if (each["project_id"], each["key"]) == (shop, "development")]
    return found

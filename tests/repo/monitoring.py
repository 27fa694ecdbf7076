"""The files for Prometheus and Grafana in deploy, read as data."""

import json
import re
from typing import Any

import yaml

from tests.repo.compose import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
CONFIGURATION = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "flaghoist.json"

_SUFFIX = re.compile(r"_bucket$")


def scrape_configuration() -> dict[str, Any]:
    """Return the configuration of Prometheus."""
    loaded: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text())
    return loaded


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard, with its rows."""
    return list(json.loads(DASHBOARD.read_text())["panels"])


def queries() -> list[str]:
    """Return the queries of the dashboard."""
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


def names_in(query: str) -> set[str]:
    """Return the names of metrics of Flaghoist and of Temporal in a query. A histogram counts once."""
    return {_SUFFIX.sub("", name) for name in re.findall(r"\b(?:flaghoist|temporal)_\w+", query)}

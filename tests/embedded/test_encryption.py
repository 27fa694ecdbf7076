"""The embedded stack with payload keys: Temporal's own Web UI and command line show what is encrypted, through Flaghoist."""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from activities.providers.sealing import new_secret_key
from tests.binaries import TEMPORAL
from tests.dashboard.browser import DESKTOP, running_browser, sign_in
from tests.embedded.running import RunningStack, settings_of
from tests.pipelines import hold, pipeline, stage
from tests.waiting import CEILING

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("embedded")]


def temporal(*words: str) -> str:
    """Return what Temporal's own command prints about a workflow."""
    command = [str(TEMPORAL), "workflow", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=CEILING).stdout


def test_web_ui_and_command_line_show_encrypted_releases(tmp_path: Path) -> None:
    keys = {"FLAGHOIST_PAYLOAD_KEYS": new_secret_key()}
    with RunningStack(settings_of(tmp_path / "home") | keys, "--no-demo") as stack, running_browser() as browser:
        stack.wait_for_line("Ctrl-C")
        key = stack.home.joinpath("bootstrap.key").read_text().strip()
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Quokka"), hold("Narwhal", "1h")))
        release = stack.api.wait_for_stage(stack.api.add()["id"], "Narwhal")
        codec = f"{stack.api.address}/temporal-codec"

        port = stack.settings["FLAGHOIST_TEMPORAL_PORT"]
        asked = ["--workflow-id", release["workflow_id"], "--address", f"127.0.0.1:{port}", "--output", "json"]
        decoding = [*asked, "--codec-endpoint", codec, "--codec-auth", f"Bearer {key}"]
        summary = base64.b64encode(b'"checkout in Standard v1"').decode()
        assert [summary in temporal("show", *options) for options in (asked, decoding)] == [False, True]
        assert ["Narwhal" in temporal("metadata", *options) for options in (asked, decoding)] == [False, True]

        context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type] # by name
        context.set_default_timeout(CEILING * 1000)
        chosen = {"endpoint": codec, "includeCredentials": True, "overrideRemoteCodecConfiguration": True}
        set_up = "".join(f"localStorage.setItem({json.dumps(name)}, {json.dumps(json.dumps(value))});" for name, value in chosen.items())
        page = sign_in(context, stack.api.address, key)
        page.add_init_script(set_up)
        page.goto(release["temporal_url"])
        expect(page.get_by_text("Quokka").filter(visible=True).first).to_be_visible()

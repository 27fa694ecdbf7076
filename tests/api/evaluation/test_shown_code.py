"""The SDK examples in the documentation run and print the flag."""

import subprocess
import sys

import pytest

from tests.api.evaluation.applications import change, keys_of
from tests.http import Api
from tests.repo.guide import blocks, text_of
from tests.waiting import CEILING

SHOWN = [(name, block) for name in ("README.md", "docs/guide/applications.md") for block in blocks(text_of(name), "python")]


@pytest.mark.parametrize(("name", "code"), SHOWN, ids=[f"{name} {number}" for number, (name, _) in enumerate(SHOWN)])
def test_sdk_examples_print_the_flag(api: Api, name: str, code: str) -> None:
    api.make_project()
    change(api, {"enabled": True, "value": "one-page"})
    client_key, server_key = keys_of(api)
    program = f"client_key, server_key = {client_key!r}, {server_key!r}\n" + code.replace("http://127.0.0.1:8080", api.address)

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=CEILING, check=False)

    assert (done.returncode, done.stdout) == (0, "one-page\n"), f"{name}: {done.stderr}"


def test_each_sdk_example_has_five_lines() -> None:
    assert [len([line for line in block.splitlines() if line]) for _, block in SHOWN] == [5, 5, 5]

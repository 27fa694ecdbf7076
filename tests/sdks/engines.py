"""Flagsmith's SDKs for Python, Node, Go and Java, in local evaluation. The last three run in processes of their own."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tests.official import flagsmith_sdk

SOURCES = Path(__file__).parent
BUILDS = Path(sys.prefix) / "sdks"
NPM_CI = ("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")
GO_CLIENT = "FLAGSMITH_GO_CLIENT"
"""The variable for a clone of Flagsmith's SDK for Go at the pinned version, for machines whose module proxy doesn't offer it."""

FAST = ("Python", "Node")
ALL = ("Python", "Node", "Go", "Java")

Traits = Mapping[str, Any]
Answer = frozenset[str] | str
"""The names of the enabled flags, or the error with which the SDK failed."""

Values = dict[str, Any]
"""The value of each flag."""


class Engine(Protocol):
    """An SDK that has the environment document."""

    def enabled(self, people: Sequence[tuple[str, Traits]]) -> list[Answer]:
        """Return the answer for each identity, given by its identifier and traits."""

    def values(self, people: Sequence[tuple[str, Traits]]) -> list[Values]:
        """Return the values of all flags for each identity."""

    def refresh(self) -> None:
        """Fetch the environment document again."""


class _InPython(NamedTuple):
    sdk: Any

    def enabled(self, people: Sequence[tuple[str, Traits]]) -> list[Answer]:
        flags = [self.sdk.get_identity_flags(identifier, dict(traits)) for identifier, traits in people]
        return [frozenset(flag.feature_name for flag in each.all_flags() if flag.enabled) for each in flags]

    def values(self, people: Sequence[tuple[str, Traits]]) -> list[Values]:
        flags = [self.sdk.get_identity_flags(identifier, dict(traits)) for identifier, traits in people]
        return [{flag.feature_name: flag.value for flag in each.all_flags()} for each in flags]

    def refresh(self) -> None:
        self.sdk.update_environment()


class _InProcess(NamedTuple):
    process: subprocess.Popen[str]

    def enabled(self, people: Sequence[tuple[str, Traits]]) -> list[Answer]:
        return [self._ask({"identifier": identifier, "traits": dict(traits)}) for identifier, traits in people]

    def values(self, people: Sequence[tuple[str, Traits]]) -> list[Values]:
        return [self._answer({"identifier": identifier, "traits": dict(traits), "values": True}) for identifier, traits in people]

    def refresh(self) -> None:
        assert self._ask(None) == frozenset()

    def _ask(self, identity: dict[str, Any] | None) -> Answer:
        answer = self._answer(identity)
        return answer if isinstance(answer, str) else frozenset(answer)

    def _answer(self, identity: dict[str, Any] | None) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(identity) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def started(names: Sequence[str], address: str, key: str) -> Iterator[dict[str, Engine]]:
    """Start SDKs by name, with the present environment document of an environment's server key."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(_started(name, address, key)) for name in names}


def versions() -> dict[str, str]:
    """Return the package and version of each SDK."""
    lock = json.loads((SOURCES / "node" / "package.json").read_text())
    [go] = [line.split()[-1] for line in (SOURCES / "go" / "go.mod").read_text().splitlines() if line.startswith("require")]
    java = (SOURCES / "java" / "pom.xml").read_text().split("flagsmith-java-client</artifactId>")[1].split("<version>")[1].split("<")[0]
    return {
        "Python": f"`flagsmith` {version('flagsmith')}",
        "Node": f"`flagsmith-nodejs` {lock['dependencies']['flagsmith-nodejs']}",
        "Go": f"`flagsmith-go-client` {go.removeprefix('v')}",
        "Java": f"`flagsmith-java-client` {java}",
    }


@contextmanager
def _started(name: str, address: str, key: str) -> Iterator[Engine]:
    if name == "Python":
        with flagsmith_sdk(address, key, enable_local_evaluation=True, environment_refresh_interval_seconds=3_600) as sdk:
            yield _InPython(sdk)
        return
    command = {"Node": _node, "Go": _go, "Java": _java}[name]()
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    with subprocess.Popen([*command, f"{address}/flagsmith/api/v1/", key], stderr=subprocess.DEVNULL, **pipes) as process:
        try:
            yield _InProcess(process)
        finally:
            process.kill()


def _node() -> list[str]:
    folder = built("node", SOURCES / "node", NPM_CI)
    return ["node", str(folder / "evaluate.js")]


def _go() -> list[str]:
    client = os.environ.get(GO_CLIENT)
    replace = [["go", "mod", "edit", "-replace", f"github.com/Flagsmith/flagsmith-go-client/v5={client}"]] if client else []
    folder = built("go", SOURCES / "go", *replace, ["go", "mod", "tidy"], ["go", "build", "-o", "evaluate", "."])
    return [str(folder / "evaluate")]


def _java() -> list[str]:
    folder = built("java", SOURCES / "java", ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib"])
    return ["java", "-cp", str(folder / "lib" / "*"), str(folder / "Evaluate.java")]


def built(name: str, originals: Path, *commands: Sequence[str]) -> Path:
    """Return the folder with a program, built anew after its sources changed. Only one process builds, and the others wait."""
    folder, sources = BUILDS / name, [path for path in originals.iterdir() if path.is_file()]
    BUILDS.mkdir(parents=True, exist_ok=True)
    with (BUILDS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(not (built := folder / f"{path.name}.source").exists() or built.read_bytes() != path.read_bytes() for path in sources):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for path in sources:
                shutil.copy(path, folder / path.name)
            for command in commands:
                subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)
            for path in sources:
                shutil.copy(path, folder / f"{path.name}.source")
    return folder

"""The embedded stack as a process: `python -m api.embedded [--no-demo] [--provider unleash --address URL | --provider flagd]`."""

import argparse
import os
import sys
from collections.abc import Callable

from api.embedded.demo import WEBSHOP, Demo
from api.embedded.demo_elsewhere import in_flagd, in_unleash
from api.embedded.errors import CannotStart
from api.embedded.processes import flagd_folder
from api.embedded.stack import Stack
from api.embedded.terminal import Terminal
from process_exit import run
from settings import Settings

TOKEN = "UNLEASH_TOKEN"  # noqa: S105 (the name of a variable)


def run_stack() -> int:
    """Run the embedded stack until it is stopped, and return the exit code: 1 if it can't start."""
    terminal = Terminal()
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("--provider", default="")
    parser.add_argument("--address", default="")
    chosen = parser.parse_args(sys.argv[1:])
    settings = Settings()
    try:
        demo, create = _demo(settings, chosen.provider, chosen.address)
        Stack(settings, terminal, None if chosen.no_demo else demo, create).run()
    except CannotStart as error:
        terminal.print(str(error), "red")
        return 1
    return 0


def _demo(settings: Settings, provider: str, address: str) -> tuple[Demo, Callable[[], None]]:
    match provider:
        case "unleash":
            if not (token := os.environ.get(TOKEN)) or not address:
                raise CannotStart(f"A demo in Unleash needs its address in --address, and an admin token in {TOKEN}.")
            return in_unleash(address, token)
        case "flagd":
            return in_flagd(flagd_folder(settings) / "webshop")
        case _:
            return WEBSHOP, lambda: None


def main() -> None:
    """Run the embedded stack."""
    run(run_stack)


if __name__ == "__main__":
    main()

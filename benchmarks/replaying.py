"""The CPU time of a cold replay: a worker that does not have a workflow in its cache replays all its events first.

.venv/bin/python -m benchmarks.replaying /path/to/another/checkout
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HISTORY = ROOT / "tests" / "workflows" / "histories" / "0.2-carried_over.json"
TIMEOUT_SECONDS = 600


def measure(checkout: Path, times: int) -> float:
    """Return the CPU milliseconds of a replay by the code in that checkout, with the packages of this environment."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("replay_history.py")), str(HISTORY), str(times)]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    done = subprocess.run(command, env=environment, cwd=checkout, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    return float(done.stdout)


def main() -> None:
    """Print the medians of both builds, round by round, and the ratio of their medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, help="a checkout of another build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--replays", type=int, default=50, help="replays per build and round")
    options = parser.parse_args()
    ours, others = [], []
    print("| round | other CPU | CPU | ratio |")
    print("|---|---:|---:|---:|")
    for n in range(options.rounds):
        others.append(measure(options.other, options.replays))
        ours.append(measure(ROOT, options.replays))
        print(f"| {n + 1} | {others[-1]:.1f} ms | {ours[-1]:.1f} ms | {ours[-1] / others[-1]:.2f} |", flush=True)
    new, old = statistics.median(ours), statistics.median(others)
    print(f"| median | {old:.1f} ms | {new:.1f} ms | {new / old:.2f} |")


if __name__ == "__main__":
    main()

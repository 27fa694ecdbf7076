"""Simulated experiments: how often the statistics are wrong, and how many users they need.

`python -m benchmarks.experiments` simulates, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json
and writes the tables of docs/statistics.md. It takes some minutes on one core, and its result depends only on the seed.
"""

import argparse
import json
import math
from typing import Any, NamedTuple

from benchmarks import proofs
from benchmarks.results import RESULTS, about_simulation, keep
from benchmarks.simulated import (
    Numbers,
    Numeric,
    Random,
    Users,
    conversions,
    delta_method,
    expected,
    log_normal,
    peeking,
    random_from,
    welch,
)
from domain.statistics.confidence_sequence import Arm, lift
from domain.statistics.sample_ratio import ALPHA, Counts, at_a_decision, at_any_look

SEED = 20_261_129
CONFIDENCE_ALPHA = 0.05
RATES = (0.01, 0.1, 0.5)
LIFTS = (0.02, 0.05, 0.1)
EVERY = 50


class Size(NamedTuple):
    """The number of simulated experiments of each kind."""

    same: int
    lifted: int
    split: int


FULL = Size(same=2_000, lifted=1_000, split=20_000)
QUICK = Size(same=20, lifted=5, split=20)


def measure(size: Size) -> dict[str, Any]:
    """Simulate everything."""
    return {
        "runs": size._asdict(),
        "same": {name: _same(name, size.same) for name in (*map(str, RATES), "log-normal")},
        "canary": {str(rate): _canary(rate, size.same) for rate in RATES},
        "lifted": [_lifted(rate, each, size.lifted) for rate in RATES for each in LIFTS],
        "split": {name: _split(shares, shares, size.split) for name, shares in HONEST.items()}
        | {name: _split((1, 1), shares, size.same) for name, shares in proofs.OFF.items()},
    }


HONEST = {"50 / 50": (1, 1), "80 / 10 / 10": (8, 1, 1)}


def _same(name: str, runs: int) -> dict[str, float]:
    """Compare two arms of 10,000 users without any difference, after every 50 users."""
    random, users = random_from(SEED, name), expected(EVERY, 10_000)
    wrong = {"ours": 0, "delta": 0, "peeking": 0}
    for _ in range(runs):
        arms = _arm(random, users, name), _arm(random, users, name)
        wrong["ours"] += _first_found(*arms, planned=5_000) is not None
        wrong["delta"] += bool(delta_method(*arms, planned=5_000).any())
        wrong["peeking"] += bool(peeking(*arms).any())
    return {method: count / runs for method, count in wrong.items()}


def _arm(random: Random, users: Users, name: str) -> Numeric:
    return log_normal(random, users) if name == "log-normal" else conversions(random, users, float(name))


def _canary(rate: float, runs: int) -> dict[str, float]:
    """Compare 1% of all users with the other 99% without any difference, after every 50 of the former, from 100 to 2,000."""
    random, users = random_from(SEED, f"canary {rate}"), expected(EVERY, 2_000)[1:]
    wrong = {"ours": 0, "welch": 0}
    for _ in range(runs):
        arms = conversions(random, users * 99, rate), conversions(random, users, rate)
        wrong["ours"] += _first_found(*arms, planned=5_000) is not None
        wrong["welch"] += bool(welch(*arms, planned=5_000).any())
    return {method: count / runs for method, count in wrong.items()}


def _lifted(rate: float, true_lift: float, runs: int) -> dict[str, float]:
    """Compare with an arm that converts better, up to twice the users of a fixed test with a power of 80%."""
    fixed = _fixed_sample(rate, true_lift)
    random, users = random_from(SEED, f"lifted {rate} {true_lift}"), expected(max(1, fixed // 100), 2 * fixed)
    stopped: list[int] = []
    at_fixed = at_end = 0
    for _ in range(runs):
        arms = conversions(random, users, rate), conversions(random, users, rate * (1 + true_lift))
        found = _first_found(*arms, planned=2 * fixed)
        stopped.append(int(users[-1]) if found is None else found)
        at_fixed += found is not None and found <= fixed
        at_end += found is not None
    spent = {"users": round(sum(stopped) / runs), "median": sorted(stopped)[runs // 2]}
    return {"rate": rate, "lift": true_lift, "fixed": fixed, "power_at_fixed": at_fixed / runs, "power_at_twice": at_end / runs, **spent}


def _fixed_sample(rate: float, true_lift: float) -> int:
    """Return the users per arm with which a two-sided z-test finds the lift in 80% of all experiments."""
    better = rate * (1 + true_lift)
    variance = rate * (1 - rate) + better * (1 - better)
    return math.ceil((1.959964 + 0.841621) ** 2 * variance / (better - rate) ** 2)


def _split(planned: tuple[int, ...], true: tuple[int, ...], runs: int) -> dict[str, float | None]:
    """Split 20,000 users, and check the split after every 50."""
    random, looks = random_from(SEED, f"split {true}"), 20_000 // EVERY
    at_any, at_end, first = 0, 0, []
    for _ in range(runs):
        users = random.multinomial(EVERY, [share / sum(true) for share in true], looks).cumsum(axis=0).tolist()
        counts = [[Counts(n, share) for n, share in zip(look, planned, strict=True)] for look in users]
        found = next((number for number, look in enumerate(counts, start=1) if at_any_look(look) < ALPHA), None)
        at_any += found is not None
        at_end += at_a_decision(counts[-1]) < ALPHA
        first += [] if found is None else [found * EVERY]
    return {"at_any_look": at_any / runs, "at_a_decision": at_end / runs, "median": sorted(first)[len(first) // 2] if first else None}


def _first_found(control: Numeric, treatment: Numeric, planned: int) -> int | None:
    """Return the users per arm at the first look at which the product finds a lift."""
    for first, second in zip(_arms(control), _arms(treatment), strict=True):
        found = lift(first, second, CONFIDENCE_ALPHA, planned)
        if found and (found.is_above(0) or found.is_below(0)):
            return second.n
    return None


def _arms(numbers: Numeric) -> list[Arm]:
    columns: list[Numbers] = [numbers.n, numbers.mean, numbers.variance]
    return [Arm(int(n), mean, variance) for n, mean, variance in zip(*(column.tolist() for column in columns), strict=True)]


def main() -> None:
    """Simulate and print, and save the numbers with `--write`."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="simulate a few: the numbers mean little")
    options.add_argument("--write", action="store_true", help=f"save the numbers in {RESULTS.name}, and write the tables")
    chosen = options.parse_args()
    results = measure(QUICK if chosen.quick else FULL)
    print(json.dumps(results, indent=2))
    if chosen.write:
        keep("experiments", results, about_simulation())
        proofs.write()


if __name__ == "__main__":
    main()

"""How late changes are made: due at ten per second, and all in the same second, beside a bare workflow that commits the same transaction.

`python -m benchmarks.lateness` measures, `--quick` only shows that it works, `--write` keeps the numbers in benchmarks/results.json.
"""

from datetime import datetime, timedelta
from typing import Any

from benchmarks.results import percentile, spread
from benchmarks.running import Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import Asleep, Workloads, until_closed, until_due

TURNS = 12
LANES = ("releases", "same transaction")
PER_SECOND = 10


async def measure(stack: Stack, quick: bool, turn: Turn) -> dict[str, Any]:
    """Alternate product and floor, once for each way of being due."""
    rounds = 1 if quick else 3
    spread_out, burst = (3, 3) if quick else (200, 300)
    lanes = Workloads(stack, 1, margin=0.3 if quick else 3)
    return {
        "rounds": rounds,
        "ten_per_second": await _compare(lanes, [timedelta(seconds=1 / PER_SECOND) * n for n in range(spread_out)], rounds, turn),
        "same_second": await _compare(lanes, [timedelta()] * burst, rounds, turn),
    }


async def _compare(lanes: Workloads, offsets: list[timedelta], rounds: int, turn: Turn) -> dict[str, Any]:
    late: dict[str, list[list[float]]] = {lane: [] for lane in LANES}
    for n in range(rounds):
        for lane in LANES:
            turn(f"{len(offsets)} within {offsets[-1].total_seconds():.0f} s, round {n + 1}, {lane}")
            late[lane].append(await _lateness(lanes, lane, offsets))
    return {"changes_per_round": len(offsets)} | {lane: _told(each) for lane, each in late.items()}


async def _lateness(lanes: Workloads, lane: str, offsets: list[timedelta]) -> list[float]:
    due, asleep = await lanes.put_to_sleep(lane, offsets)
    await until_due(due)
    await until_closed(lanes.stack, asleep)
    made = _made(lanes.stack, asleep)
    return [(made[each.release] - each.due_at).total_seconds() for each in asleep]


def _made(stack: Stack, asleep: list[Asleep]) -> dict[str, datetime]:
    """Release -> when its change was made."""
    with stack.database.reading() as store:
        return {each.release: store.history.changes(each.release)[0].made_at for each in asleep}


def _told(rounds: list[list[float]]) -> dict[str, Any]:
    """In milliseconds: of each round, and the worst of all."""
    return {
        "p50_ms": spread([percentile(each, 50) * 1000 for each in rounds], 0),
        "p99_ms": spread([percentile(each, 99) * 1000 for each in rounds], 0),
        "max_ms": round(max(max(each) for each in rounds) * 1000),
    }


if __name__ == "__main__":
    main({"lateness": (measure, TURNS)}, __doc__)

"""Values and groups from the rows of an answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from activities.metrics.adapter import CannotTell, Reading, quoted
from activities.metrics.numbers import number_of, time_of
from domain.metrics.metric import Metric
from domain.metrics.sample import Group

Row = Mapping[str, object]

MOST_GROUPS = 1_000
AS_OF = "as_of"
_BINARY = {"group", "n", "successes"}
_CONTINUOUS = {"group", "n", "sum", "sum_of_squares"}


def value_in(rows: Sequence[Row]) -> Reading:
    """Return the number in the one row of an answer, besides its column `as_of`. Raises CannotTell."""
    if not rows:
        raise CannotTell("no_data", "The query returned no row.")
    if len(rows) > 1:
        raise CannotTell("ambiguous", "The query returned several rows: sum or average them in the query, so that one remains.")
    row = rows[0]
    columns = [name for name in row if name != AS_OF]
    if len(columns) != 1:
        raise CannotTell("ambiguous", f"The row has {len(columns)} columns with values, and should have one.")
    return Reading(value=number_of(row[columns[0]]), as_of=_as_of(rows))


def groups_in(metric: Metric, rows: Sequence[Row]) -> Reading:
    """Return the groups in the rows of an answer. Raises CannotTell, also if one of them is too small."""
    if not rows:
        raise CannotTell("no_data", "The query returned no row.")
    if len(rows) > MOST_GROUPS:
        raise CannotTell("ambiguous", f"The query returned more than {MOST_GROUPS} groups.")
    names = [_name_of(row) for row in rows]
    if len(set(names)) < len(names):
        raise CannotTell("ambiguous", "The query returned several rows for the same group: use GROUP BY, so that one remains.")
    counts = {name: _count_of(name, row) for name, row in zip(names, rows, strict=True)}
    for name, n in counts.items():
        if n < metric.fewest:
            raise CannotTell("too_little_data", f"The group '{name}' has {n} members, and needs at least {metric.fewest}.")
    groups = tuple(_group_of(name, counts[name], row) for name, row in zip(names, rows, strict=True))
    return Reading(groups=groups, as_of=_as_of(rows))


def _name_of(row: Row) -> str:
    if not {"group", "n"} <= row.keys() or not (row.keys() >= _BINARY or row.keys() >= _CONTINUOUS):
        raise CannotTell("no_data", f"{_named(row)} needs group, n and successes, or group, n, sum and sum_of_squares.")
    name = row["group"]
    if not isinstance(name, str | int | bool) or len(str(name)) > 200:
        raise CannotTell("not_a_number", "The name of each group must be a text of at most 200 characters.")
    return str(name).lower() if isinstance(name, bool) else str(name)


def _named(row: Row) -> str:
    return f"The row of '{quoted(row['group'])}'" if "group" in row else "Each row"


def _count_of(name: str, row: Row) -> int:
    n = number_of(row["n"], f"The n of '{name}'")
    if n < 0:
        raise CannotTell("not_a_number", f"The n of '{name}' is negative.")
    return round(n)


def _group_of(name: str, n: int, row: Row) -> Group:
    if row.keys() >= _CONTINUOUS:
        total, squares = (number_of(row[column], f"The {column} of '{name}'") for column in ("sum", "sum_of_squares"))
    else:
        total = squares = _successes_of(name, n, row)
    mean = total / n
    surplus = squares - total * mean
    if surplus < -1e-6 * max(squares, 1.0):
        raise CannotTell("not_a_number", f"The sum_of_squares of '{name}' is too small for its sum and n.")
    return Group(name=name, n=n, mean=mean, variance=max(surplus, 0.0) / (n - 1))


def _successes_of(name: str, n: int, row: Row) -> float:
    """Return the successes. Counts that Prometheus extrapolates may exceed n by less than one."""
    successes = number_of(row["successes"], f"The successes of '{name}'")
    if not 0 <= successes <= n + 1:
        raise CannotTell("not_a_number", f"The successes of '{name}' must be between 0 and its n.")
    return min(successes, float(n))


def _as_of(rows: Sequence[Row]) -> datetime | None:
    """Return the time of the newest data, if the answer has one."""
    times = [time_of(row[AS_OF], "The column as_of") for row in rows if row.get(AS_OF) is not None]
    return max(times, default=None)

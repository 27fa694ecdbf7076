"""Shows what an import will do, and what it did."""

from collections.abc import Iterable
from typing import Any

from api.cli.flags import state_in_words
from api.cli.output import show, show_error, show_table


def show_planned(planned: dict[str, Any], environments: Iterable[str]) -> None:
    """Print what will be copied, and what can't be."""
    columns = [each for each in environments if any(each in feature["flags"] for feature in planned["features"])]
    rows = [
        [each["key"], each["type"], *(_in_words(each["flags"].get(column)) for column in columns), each["result"]]
        for each in planned["features"]
    ]
    show_table(["Feature", "Type", *columns, "Result"], rows)
    if planned["segments"]:
        show_table(["Segment", "Name", "Result"], [[each["key"], each["name"], each["result"]] for each in planned["segments"]])
    remarks = [*planned["remarks"], *(f"{each['key']}: {remark}" for each in planned["features"] for remark in each["remarks"])]
    for remark in remarks:
        show(f"- {remark}", "yellow")


def show_result(result: dict[str, Any]) -> None:
    """Print how many features were copied, and each that failed."""
    counts = {word: sum(each["result"] == word for each in result["features"]) for word in ("created", "updated", "left alone", "failed")}
    show(f"Features: {', '.join(f'{count} {word}' for word, count in counts.items() if count) or 'none'}.")
    for each in result["features"]:
        if each["error"]:
            show_error(f"{each['key']}: {each['error']}")


def _in_words(flag: dict[str, Any] | None) -> str:
    if flag is None:
        return ""
    overrides = [f"{state_in_words({'value': None} | state)} for {segment}" for segment, state in flag.get("overrides", {}).items()]
    return "; ".join([state_in_words({"value": None} | flag), *overrides])

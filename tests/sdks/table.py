"""The tables about segments in the guide.

`python -m tests.sdks.table` runs all four SDKs and writes docs/guide/segments.md. It needs Node, Go, Java, Maven and the internet.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.flags.sdk_differences import differences
from domain.flags.segment import Condition, Operator, Rule
from domain.flags.served_rules import ServedRule, rewritten
from tests.sdks.agreement import api_process
from tests.sdks.cases import CASES, REWRITTEN
from tests.sdks.engines import ALL, started, versions
from tests.sdks.shop import IDENTITIES, OFREP, Shop

GUIDE = Path("docs/guide/segments.md")
OURS = "our API"
IDENTIFIER = "user-1"
LONGEST_SHOWN = 30


def answers(shop: Shop, names: Sequence[str]) -> list[dict[str, str]]:
    """Return, for each case, what our API and the SDKs answer: *in*, *out* or an error."""
    names_of_traits = [f"trait-{number}" for number in range(len(CASES))]
    shop.write([[case.rule_about(trait)] for case, trait in zip(CASES, names_of_traits, strict=True)])
    people = [(IDENTIFIER, {} if case.trait is None else {trait: case.trait}) for case, trait in zip(CASES, names_of_traits, strict=True)]
    with started(names, shop.address, shop.server_key) as engines:
        found = shop.answers(engines, people)
    assert found[IDENTITIES] == found[OFREP]
    by_column = {OURS: found[OFREP]} | {name: found[name] for name in names}
    return [{name: _verdict(answer[number], shop.name_of(number)) for name, answer in by_column.items()} for number in range(len(CASES))]


def differences_table(found: Sequence[Mapping[str, str]]) -> str:
    """Return the table of what the SDKs answered."""
    columns = list(found[0])
    rows = [[case.words, _trait(case.trait), *answer.values()] for case, answer in zip(CASES, found, strict=True)]
    about = ", ".join(f"{package} for {name}" for name, package in versions().items())
    return f"{_table(['condition', 'trait', *columns], rows)}\n\nSeen with {about}."


def rewritten_table() -> str:
    """Return the table of conditions as they are written and as they are served."""
    rows = []
    for operator, value in REWRITTEN:
        written = Condition(property="trait", operator=Operator(operator), value=value)
        [served] = rewritten([Rule(type="ALL", conditions=(written,))])
        rows.append([_code(f"{operator} {value}"), _words(served)])
    return _table(["written", "served"], rows)


def warned(case_rule: dict[str, Any]) -> str:
    """Return the messages of the warnings about a rule."""
    return " ".join(each.message for each in differences([Rule.model_validate(case_rule)], ""))


def with_table(text: str, name: str, table: str) -> str:
    """Replace the table between the comments with this name."""
    opening, closing = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    return re.sub(f"{re.escape(opening)}.*?{re.escape(closing)}", lambda _: f"{opening}\n{table}\n{closing}", text, flags=re.DOTALL)


def _words(served: ServedRule) -> str:
    return " and ".join(_parts(served))


def _parts(served: ServedRule) -> Iterator[str]:
    for each in served.conditions:
        yield _code(" ".join(part for part in (each.operator.value, each.value) if part))
    for inner in served.rules:
        joint = ", "
        yield f"{inner.type.lower()} of ({joint.join(_parts(inner))})"


def _code(text: str) -> str:
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return "`" + shown.replace("|", "\\|") + "`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| ---", "|---").replace("--- |", "---|")


def _trait(value: Any) -> str:
    return "none" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _verdict(answer: frozenset[str] | str, flag: str) -> str:
    return "error" if isinstance(answer, str) else "in" if flag in answer else "out"


def main() -> None:
    """Run everything, and write the guide."""
    with api_process() as api:
        found = answers(Shop(api, len(CASES)), ALL)
    text = with_table(GUIDE.read_text(), "differences", differences_table(found))
    GUIDE.write_text(with_table(text, "rewritten", rewritten_table()))


if __name__ == "__main__":
    main()

#!/bin/sh
# Hypothesis's builds() draws every field of a NamedTuple that it is not given, also those with a default.
#
# Versions:  PyPI hypothesis 6.170.15
# Behaviour: The documentation of builds() says that strategies are inferred "for required arguments that were not passed to builds",
#            and that an optional one is inferred only if it is passed as `...`. This holds for classes and dataclasses. For a
#            NamedTuple, all fields count as required. So a field that is added with a default, because old callers shall not care,
#            gets random values in every test that builds the NamedTuple.
# Seen:      builds() of a type with a field x and a field y that has a default, with a strategy for x, in 50 examples each:
#            class: y is always its default
#            dataclass: y is always its default
#            NamedTuple: y has other values
#
# Needs python3 (3.10 or newer) and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check hypothesis==6.170.15

cat > build.py <<'PYTHON'
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import Phase, given, settings
from hypothesis import strategies as st


class Plain:
    def __init__(self, x: int, y: tuple[int, ...] = ()) -> None:
        self.x, self.y = x, y


@dataclass
class Data:
    x: int
    y: tuple[int, ...] = ()


class Named(NamedTuple):
    x: int
    y: tuple[int, ...] = ()


for name, kind in (("class", Plain), ("dataclass", Data), ("NamedTuple", Named)):
    others = []

    @settings(max_examples=50, database=None, derandomize=True, phases=[Phase.generate])
    @given(st.builds(kind, x=st.integers()))
    def draw(built):
        if built.y != ():
            others.append(built.y)

    draw()
    print(f"{name}: y {'has other values' if others else 'is always its default'}")
PYTHON
venv/bin/python build.py > output

cat > expected <<'TEXT'
class: y is always its default
dataclass: y is always its default
NamedTuple: y has other values
TEXT
diff expected output

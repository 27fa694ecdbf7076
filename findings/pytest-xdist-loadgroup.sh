#!/bin/sh
# With pytest 9.2.0, pytest-xdist 3.8.0 ignores the mark xdist_group under --dist loadgroup, without a word.
#
# Versions:  PyPI pytest 9.2.0 and 9.1.1; PyPI pytest-xdist 3.8.0
# Behaviour: A group's tests should run one after the other in one process. pytest-xdist adds the group to a test's private
#            attribute _nodeid, and pytest 9.2.0 calculates the id from another attribute. So the tests of a group are
#            spread over all processes, and what they share (a server, a folder, a build) is used by several at once.
# Seen:      of six tests in one group, run by three processes:
#            pytest 9.1.1: 1 process
#            pytest 9.2.0: several processes
#
# Needs python3 (3.10 or newer) and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat > test_group.py <<'PYTHON'
import os
import time

import pytest


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(6))
def test_of_the_group(number):
    time.sleep(0.2)
    with open("processes", "a") as processes:
        print(os.environ["PYTEST_XDIST_WORKER"], file=processes)
PYTHON

python3 -m venv venv

count() {
    rm -f processes
    venv/bin/pytest -n 3 --dist loadgroup -q -p no:cacheprovider test_group.py > log 2>&1 || { cat log; exit 1; }
    case $(sort -u processes | wc -l) in
        1) echo "$1: 1 process" ;;
        *) echo "$1: several processes" ;;
    esac
}

venv/bin/pip install --quiet --disable-pip-version-check pytest==9.1.1 pytest-xdist==3.8.0
count "pytest 9.1.1" | tee output
venv/bin/pip install --quiet --disable-pip-version-check pytest==9.2.0 pytest-xdist==3.8.0
count "pytest 9.2.0" | tee -a output

cat > expected <<'TEXT'
pytest 9.1.1: 1 process
pytest 9.2.0: several processes
TEXT
diff expected output

#!/bin/sh
# A timeout of pytest-timeout does not end a Hypothesis test: the test goes on with further examples, and without a limit.
#
# Versions:  PyPI pytest-timeout 2.4.0, PyPI hypothesis 6.170.15, PyPI pytest 9.1.1
# Behaviour: With the default method "signal", the timeout is raised once, as the exception of pytest.fail. Hypothesis takes it for
#            a failing example, and runs the test function again to confirm it, with no timer. So an example that waits for ever
#            hangs the run. The method "thread" ends the process when the time is up.
# Seen:      a test whose examples sleep 3 s, with a timeout of 1 s. Examples begun, whether the test ran for over 6 s, and its outcome:
#            without hypothesis, signal: 1 example, short, Failed: Timeout
#            with hypothesis, signal: 2 or more examples, long, no Failed: Timeout
#            with hypothesis, thread: 1 example, short, Timeout
#
# Needs python3 (3.10 or newer) and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pytest-timeout==2.4.0 hypothesis==6.170.15 pytest==9.1.1

cat > test_plain.py <<'PYTHON'
import time


def test_it():
    print("begun")
    time.sleep(3)
PYTHON
cat > test_hypothesis.py <<'PYTHON'
import time

from hypothesis import given, settings, strategies


@settings(deadline=None, max_examples=2, database=None, derandomize=True)
@given(strategies.integers())
def test_it(number):
    print("begun", flush=True)
    time.sleep(3)
PYTHON

run() { # the words for the output, the file, the method
    started=$(date +%s)
    venv/bin/pytest -s -q -p no:cacheprovider --timeout 1 --timeout-method "$3" "$2" > log 2>&1 && { cat log; exit 1; }
    took=$(($(date +%s) - started))
    begun=$(grep -c '^begun' log)
    [ "$begun" -gt 1 ] && examples="2 or more examples" || examples="1 example"
    [ "$took" -gt 6 ] && length=long || length=short
    if grep -q '^FAILED.*Failed: Timeout' log; then outcome="Failed: Timeout"
    elif grep -q '+++ Timeout +++' log; then outcome="Timeout"
    else outcome="no Failed: Timeout"; fi
    echo "$1, $3: $examples, $length, $outcome" >> output
}

run "without hypothesis" test_plain.py signal
run "with hypothesis" test_hypothesis.py signal
run "with hypothesis" test_hypothesis.py thread

cat > expected <<'TEXT'
without hypothesis, signal: 1 example, short, Failed: Timeout
with hypothesis, signal: 2 or more examples, long, no Failed: Timeout
with hypothesis, thread: 1 example, short, Timeout
TEXT
diff expected output

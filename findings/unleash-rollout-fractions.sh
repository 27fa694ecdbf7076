#!/bin/sh
# Unleash's Node SDK serves a rollout of "33.3" to a third of the users, and its Python SDK serves it to nobody.
#
# Versions:  npm unleash-client 6.12.1; PyPI UnleashClient 6.9.1 with yggdrasil-engine 2.0.0
# Behaviour: A rollout is a string, which Unleash 8.2.0 stores without a check. Node converts it to a number and compares that
#            with the user's bucket, 1 to 100, so "33.3" is 33. Python needs a whole number, and evaluates the flag to false
#            otherwise. Neither reports an error.
# Seen:      rollout "33": 312 of 1000 in Node, 312 of 1000 in Python
#            rollout "33.3": 312 of 1000 in Node, 0 of 1000 in Python
#            rollout "34.0": 322 of 1000 in Node, 0 of 1000 in Python
#
# Needs python3 (3.10 or newer), node (20 or newer), npm and the internet. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check UnleashClient==6.9.1 yggdrasil-engine==2.0.0
npm install --silent --no-audit --no-fund --ignore-scripts unleash-client@6.12.1

cat > make.py <<'PYTHON'
import json

features = []
for rollout in ("33", "33.3", "34.0"):
    parameters = {"rollout": rollout, "stickiness": "default", "groupId": "flag"}
    strategies = [{"name": "flexibleRollout", "parameters": parameters, "constraints": []}]
    features.append({"name": rollout, "type": "release", "enabled": True, "strategies": strategies})
with open("features.json", "w") as file:
    json.dump({"version": 2, "features": features}, file)
PYTHON
venv/bin/python make.py

cat > evaluate.py <<'PYTHON'
import json
import logging

from UnleashClient import UnleashClient
from UnleashClient.cache import FileCache

logging.disable()
with open("features.json") as file:
    features = json.load(file)
cache = FileCache("finding", directory=".")
cache.bootstrap_from_dict(features)
client = UnleashClient("http://127.0.0.1:9/api", "finding", cache=cache, disable_metrics=True, disable_registration=True)
client.initialize_client(fetch_toggles=False)
counts = {}
for feature in features["features"]:
    name = feature["name"]
    counts[name] = sum(client.is_enabled(name, {"userId": f"user-{number}"}) for number in range(1000))
client.destroy()
print(json.dumps(counts))
PYTHON

cat > evaluate.js <<'JAVASCRIPT'
const fs = require("fs");
const { Unleash } = require("unleash-client");

const { features } = JSON.parse(fs.readFileSync("features.json", "utf8"));
const options = { url: "http://127.0.0.1:9/api", appName: "finding", disableMetrics: true, refreshInterval: 0 };
const client = new Unleash({ ...options, skipInstanceCountWarning: true, bootstrap: { data: features } });
client.on("error", () => {});
client.on("warn", () => {});
client.on("ready", () => {
  const users = Array.from({ length: 1000 }, (_, number) => ({ userId: `user-${number}` }));
  const counts = features.map(({ name }) => [name, users.filter((user) => client.isEnabled(name, user)).length]);
  console.log(JSON.stringify(Object.fromEntries(counts)));
  client.destroy();
  process.exit(0);
});
JAVASCRIPT

venv/bin/python evaluate.py > python.json
node evaluate.js > node.json

cat > compare.py <<'PYTHON'
import json

with open("python.json") as python, open("node.json") as node:
    in_python, in_node = json.load(python), json.load(node)
for rollout, users in in_node.items():
    print(f'rollout "{rollout}": {users} of 1000 in Node, {in_python[rollout]} of 1000 in Python')
PYTHON
venv/bin/python compare.py > seen
cat seen

cat > expected <<'TEXT'
rollout "33": 312 of 1000 in Node, 312 of 1000 in Python
rollout "33.3": 312 of 1000 in Node, 0 of 1000 in Python
rollout "34.0": 322 of 1000 in Node, 0 of 1000 in Python
TEXT
diff expected seen
echo "As described."

#!/bin/sh
# Flagsmith's Python and Node SDKs disagree on who is in a segment when they evaluate locally.
#
# Versions:  PyPI flagsmith 6.3.0 with flagsmith-flag-engine 11.1.1; npm flagsmith-nodejs 8.1.2
# Behaviour: given one environment document, the SDKs read these conditions differently:
#            REGEX         Python matches from the start of the trait, Node anywhere in it
#            IN            Node puts nobody with the number 0 into any list
#            MODULO        the remainder of a negative number is positive in Python, negative in Node
#            GREATER_THAN  Python compares a whole-number trait with whole numbers only, Node with decimals too
#            GREATER_THAN  Python reads a text trait of digits as a number, Node compares it as text
#            EQUAL         Python: the whole number 1 is not "1.0"; Node: it is
# Seen:      in the segment?  REGEX         beta  trait "my-beta"  Python no,  Node yes
#                             IN            0,1   trait 0          Python yes, Node no
#                             MODULO        2|1   trait -3         Python yes, Node no
#                             GREATER_THAN  1.5   trait 2          Python no,  Node yes
#                             GREATER_THAN  10    trait "9"        Python no,  Node yes
#                             EQUAL         1.0   trait 1          Python no,  Node yes
#
# Needs python3 (3.10 or newer), node (20 or newer), npm and the internet. No server is asked: both SDKs run offline,
# from a file. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check flagsmith==6.3.0 flagsmith-flag-engine==11.1.1
npm install --silent --no-audit --no-fund --ignore-scripts flagsmith-nodejs@8.1.2

cat > document.py <<'PYTHON'
import json
from pathlib import Path

CASES = [
    ("REGEX", "beta", "my-beta"),
    ("IN", "0,1", 0),
    ("MODULO", "2|1", -3),
    ("GREATER_THAN", "1.5", 2),
    ("GREATER_THAN", "10", "9"),
    ("EQUAL", "1.0", 1),
]
NAMES = [f"case-{number}" for number in range(1, len(CASES) + 1)]


def state(number, *, enabled, **more):
    """A state of the feature of one case; in its segment the feature is on, elsewhere off."""
    feature = {"id": number, "name": NAMES[number - 1], "type": "STANDARD"}
    uuid = f"{'1' if enabled else '0'}{number:07}-0000-4000-8000-000000000000"
    common = {"feature_state_value": None, "multivariate_feature_state_values": [], "featurestate_uuid": uuid, "django_id": number}
    return {"feature": feature, "enabled": enabled, **common, **more}


def segment(number, operator, value):
    """The segment of one case: a single condition on the trait with the name of the case."""
    condition = {"operator": operator, "value": value, "property_": NAMES[number - 1]}
    inner = {"type": "ALL", "rules": [], "conditions": [condition]}
    rules = [{"type": "ALL", "rules": [inner], "conditions": []}]
    override = state(number, enabled=True, feature_segment={"priority": number})
    return {"id": number, "name": NAMES[number - 1], "rules": rules, "feature_states": [override]}


segments = [segment(number, operator, value) for number, (operator, value, _) in enumerate(CASES, 1)]
organisation = {"id": 1, "name": "o", "feature_analytics": False, "stop_serving_flags": False, "persist_trait_data": True}
project = {"id": 1, "name": "p", "organisation": organisation, "hide_disabled_flags": False, "segments": segments}
features = [state(number, enabled=False) for number in range(1, len(CASES) + 1)]
document = {"id": 1, "api_key": "k", "name": "e", "project": project, "feature_states": features, "identity_overrides": []}
Path("document.json").write_text(json.dumps(document))
Path("cases.json").write_text(json.dumps(dict(zip(NAMES, CASES, strict=True))))
PYTHON
venv/bin/python document.py

cat > evaluate.py <<'PYTHON'
import json
from pathlib import Path

from flagsmith import Flagsmith
from flagsmith.offline_handlers import LocalFileHandler

cases = json.loads(Path("cases.json").read_text())
flagsmith = Flagsmith(offline_mode=True, offline_handler=LocalFileHandler("document.json"))
flags = flagsmith.get_identity_flags("user-1", {name: trait for name, (_, _, trait) in cases.items()})
Path("python.json").write_text(json.dumps({name: flags.is_feature_enabled(name) for name in cases}))
PYTHON
venv/bin/python evaluate.py

cat > evaluate.js <<'JAVASCRIPT'
const fs = require("fs");
const { Flagsmith, LocalFileHandler } = require("flagsmith-nodejs");

const cases = JSON.parse(fs.readFileSync("cases.json", "utf8"));
const flagsmith = new Flagsmith({ offlineMode: true, offlineHandler: new LocalFileHandler("document.json") });
const traits = Object.fromEntries(Object.entries(cases).map(([name, [, , trait]]) => [name, trait]));
flagsmith.getIdentityFlags("user-1", traits).then((flags) => {
  const enabled = Object.keys(cases).map((name) => [name, flags.isFeatureEnabled(name)]);
  fs.writeFileSync("node.json", JSON.stringify(Object.fromEntries(enabled)));
});
JAVASCRIPT
node evaluate.js

cat > compare.py <<'PYTHON'
import json
from pathlib import Path

cases, python, node = (json.loads(Path(name).read_text()) for name in ("cases.json", "python.json", "node.json"))
for name, (operator, value, trait) in cases.items():
    answers = ", ".join(f"{sdk} {'yes' if enabled[name] else 'no'}" for sdk, enabled in (("Python", python), ("Node", node)))
    print(f"{operator} {value} trait {json.dumps(trait)}: {answers}")
PYTHON
venv/bin/python compare.py > seen
cat seen

cat > expected <<'TEXT'
REGEX beta trait "my-beta": Python no, Node yes
IN 0,1 trait 0: Python yes, Node no
MODULO 2|1 trait -3: Python yes, Node no
GREATER_THAN 1.5 trait 2: Python no, Node yes
GREATER_THAN 10 trait "9": Python no, Node yes
EQUAL 1.0 trait 1: Python no, Node yes
TEXT
diff expected seen
echo "As described."

#!/bin/sh
# Flagsmith's Java SDK evaluates nested rules, attributes and shares of a trait differently than its Python SDK.
#
# Versions:  PyPI flagsmith 6.3.0 with flagsmith-flag-engine 11.1.1; Maven Central com.flagsmith:flagsmith-java-client 7.4.3
# Behaviour: given one environment document, the SDKs read these rules differently in local evaluation:
#            nested in ANY     Java requires all nested rules, Python one
#            $.identity...     Java knows no attributes of the identity, only traits
#            PERCENTAGE_SPLIT  Java ignores the trait and divides by identity, so an identity without the trait can be in
#            MODULO            Java calculates with 32-bit numbers, so 16777217 has the remainder 0
# Seen:      any-of-rules: Python yes, Java no
#            identifier: Python yes, Java no
#            share-of-trait: Python no, Java yes
#            modulo: Python yes, Java no
#
# Needs python3 (3.10 or newer), Java 17 or newer, Maven and the internet. No server is asked: both SDKs run offline,
# from a file. Exits with 1 if the output differs.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check flagsmith==6.3.0 flagsmith-flag-engine==11.1.1
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.flagsmith</groupId>
      <artifactId>flagsmith-java-client</artifactId>
      <version>7.4.3</version>
    </dependency>
  </dependencies>
</project>
XML
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=lib > mvn.log 2>&1 || { cat mvn.log; exit 1; }

cat > evaluate.py <<'PYTHON'
import json
from pathlib import Path

from flagsmith import Flagsmith
from flagsmith.offline_handlers import LocalFileHandler


def condition(operator, value, about):
    return {"operator": operator, "value": value, "property_": about}


def rule(kind, *conditions, rules=()):
    return {"type": kind, "conditions": list(conditions), "rules": list(rules)}


pro, free = (rule("ALL", condition("EQUAL", plan, "plan")) for plan in ("pro", "free"))
CASES = {
    "any-of-rules": rule("ANY", rules=[pro, free]),
    "identifier": rule("ALL", condition("EQUAL", "user-1", "$.identity.identifier")),
    "share-of-trait": rule("ALL", condition("PERCENTAGE_SPLIT", "100", "missing")),
    "modulo": rule("ALL", condition("MODULO", "2|1", "number")),
}


def state(number, name, *, enabled, **more):
    feature = {"id": number, "name": name, "type": "STANDARD"}
    uuid = f"{'1' if enabled else '0'}{number:07}-0000-4000-8000-000000000000"
    common = {"feature_state_value": None, "multivariate_feature_state_values": [], "featurestate_uuid": uuid, "django_id": number}
    return {"feature": feature, "enabled": enabled, **common, **more}


numbered = list(enumerate(CASES.items(), 1))
segments = [
    {"id": number, "name": name, "rules": [case], "feature_states": [state(number, name, enabled=True, feature_segment={"priority": number})]}
    for number, (name, case) in numbered
]
organisation = {"id": 1, "name": "o", "feature_analytics": False, "stop_serving_flags": False, "persist_trait_data": True}
project = {"id": 1, "name": "p", "organisation": organisation, "hide_disabled_flags": False, "segments": segments}
features = [state(number, name, enabled=False) for number, (name, _) in numbered]
document = {"id": 1, "api_key": "k", "name": "e", "project": project, "feature_states": features, "identity_overrides": []}
Path("document.json").write_text(json.dumps(document))

sdk = Flagsmith(offline_mode=True, offline_handler=LocalFileHandler("document.json"))
flags = sdk.get_identity_flags("user-1", {"plan": "pro", "number": 16777217})
Path("python.txt").write_text("".join(f"{name}: Python {'yes' if flags.is_feature_enabled(name) else 'no'}\n" for name in CASES))
PYTHON
venv/bin/python evaluate.py

cat > Evaluate.java <<'JAVA'
import com.flagsmith.FlagsmithClient;
import com.flagsmith.config.FlagsmithConfig;
import com.flagsmith.offline.LocalFileHandler;
import java.util.List;
import java.util.Map;

public class Evaluate {
  public static void main(String[] args) throws Exception {
    FlagsmithConfig config = FlagsmithConfig.newBuilder().withOfflineMode(true)
        .withOfflineHandler(new LocalFileHandler("document.json")).build();
    FlagsmithClient client = FlagsmithClient.newBuilder().withConfiguration(config).build();
    var flags = client.getIdentityFlags("user-1", Map.of("plan", "pro", "number", 16777217));
    for (String name : List.of("any-of-rules", "identifier", "share-of-trait", "modulo")) {
      System.out.println("Java " + (flags.isFeatureEnabled(name) ? "yes" : "no"));
    }
    System.exit(0);
  }
}
JAVA
java -cp 'lib/*' Evaluate.java > java.txt 2> java.log || { cat java.log; exit 1; }

paste -d , python.txt java.txt | sed 's/,/, /' > seen
cat seen
cat > expected <<'TEXT'
any-of-rules: Python yes, Java no
identifier: Python yes, Java no
share-of-trait: Python no, Java yes
modulo: Python yes, Java no
TEXT
diff expected seen
echo "As described."

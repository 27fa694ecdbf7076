"""Evaluates features with Unleash's SDK for Python. Arguments: the server's address, a backend token.

Standard input: {"features": [name], "contexts": [context]}. Output: for each context, name -> [enabled, payload or null, variant].
"""

import json
import sys
import tempfile

from UnleashClient.clients.unleash_client import UnleashClient

address, token = sys.argv[1:]
asked = json.load(sys.stdin)
with tempfile.TemporaryDirectory() as folder:
    client = UnleashClient(
        url=f"{address}/api",
        app_name="tests",
        custom_headers={"Authorization": token},
        cache_directory=folder,
        disable_metrics=True,
        disable_registration=True,
    )
    client.initialize_client()
    found = []
    for context in asked["contexts"]:
        variants = {name: client.get_variant(name, context) for name in asked["features"]}
        found.append(
            {
                name: [client.is_enabled(name, context), (variant.get("payload") or {}).get("value"), variant["name"]]
                for name, variant in variants.items()
            }
        )
    client.destroy()
json.dump(found, sys.stdout)

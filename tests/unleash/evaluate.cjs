// Evaluates features with Unleash's SDK for Node. Arguments: the folder of its packages, the server's address, a backend token.
// Standard input: {"features": [name], "contexts": [context]}. Output: for each context, name -> [enabled, payload or null, variant].
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");

const [folder, address, token] = process.argv.slice(2);
const { startUnleash } = createRequire(`${folder}/package.json`)("unleash-client");
const { features, contexts } = JSON.parse(readFileSync(0, "utf8"));

function evaluated(unleash, name, context) {
  const variant = unleash.getVariant(name, context);
  return [unleash.isEnabled(name, context), variant.payload?.value ?? null, variant.name];
}

startUnleash({ url: `${address}/api/`, appName: "tests", customHeaders: { Authorization: token }, disableMetrics: true }).then((unleash) => {
  const found = contexts.map((context) => Object.fromEntries(features.map((name) => [name, evaluated(unleash, name, context)])));
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
});

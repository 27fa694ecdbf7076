// Evaluates identities with Flagsmith's SDK for Node: one JSON line in, the names of the enabled flags as one JSON line out.
// With "values": true, the values of all flags by name. The line null fetches the environment document again.
import { createInterface } from 'node:readline';
import { Flagsmith } from 'flagsmith-nodejs';

const [apiUrl, environmentKey] = process.argv.slice(2);
const flagsmith = new Flagsmith({ apiUrl, environmentKey, enableLocalEvaluation: true, environmentRefreshIntervalSeconds: 3600 });
await flagsmith.getEnvironmentFlags();

for await (const line of createInterface({ input: process.stdin })) {
  const identity = JSON.parse(line);
  if (identity === null) await flagsmith.updateEnvironment();
  const { identifier, traits, values } = identity ?? { identifier: 'nobody', traits: {} };
  const flags = await flagsmith.getIdentityFlags(identifier, traits);
  const enabled = identity === null ? [] : flags.allFlags().filter((flag) => flag.enabled).map((flag) => flag.featureName);
  const served = values ? Object.fromEntries(flags.allFlags().map((flag) => [flag.featureName, flag.value ?? null])) : enabled;
  console.log(JSON.stringify(served));
}
await flagsmith.close();

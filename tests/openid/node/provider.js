// A certified OpenID provider. Arguments: its port, its client as JSON, and a file with its people, which is read at each sign-in.
// Its login page accepts the name of one of them. It asks for no consent.

import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const [port, client, people] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(`http://localhost:${port}`, {
  clients: [JSON.parse(client)],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'first' }] },
  cookies: { keys: ['of the tests'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
  scopes: ['openid', 'email', 'groups'],
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  async findAccount(_, login) {
    const claims = JSON.parse(readFileSync(people, 'utf-8'))[login];
    return claims && { accountId: login, claims: async () => ({ sub: login, ...claims }) };
  },
  async loadExistingGrant({ oidc }) {
    const grant = new provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
    grant.addOIDCScope('openid email groups');
    await grant.save();
    return grant;
  },
});
provider.listen(Number(port), '127.0.0.1');

/**
 * A login server: the certified provider `oidc-provider` with fixed people, in memory.
 *
 *   node server.mjs --listen 127.0.0.1:8081 --app http://127.0.0.1:8080
 *
 * People are ada (admin), max (manager) and uma (user); any password will do. Client `ccm` logs people in, client
 * `robot` is a program that operates; the secret of each is its name. `POST /_sim/people/NAME` with `{"roles": […]}`
 * changes what somebody may do, `DELETE` lets nobody of that name in any more.
 */
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import Provider from "oidc-provider";

const { values } = parseArgs({
  options: {
    listen: { type: "string", default: "127.0.0.1:8081" },
    app: { type: "string", default: "http://127.0.0.1:8080" },
  },
});
const [host, port] = values.listen.split(":");
const people = new Map([
  ["ada", ["admin"]],
  ["max", ["manager"]],
  ["uma", ["user", "offline_access"]],
]);

const server = createServer();
server.listen(Number(port), host, () => {
  const issuer = `http://${host}:${server.address().port}`;
  const provider = makeProvider(issuer);
  const answer = provider.callback();
  server.on("request", (request, response) => {
    if (request.url.startsWith("/_sim/people/")) return change(request, response);
    return answer(request, response);
  });
  console.log(`sim-oidc serves ${issuer}`);
});

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "ccm",
        client_secret: "ccm",
        redirect_uris: [`${values.app}/auth/callback`],
        post_logout_redirect_uris: [`${values.app}/`],
        backchannel_logout_uri: `${values.app}/auth/backchannel-logout`,
        backchannel_logout_session_required: true,
        grant_types: ["authorization_code", "refresh_token"],
      },
      {
        client_id: "robot",
        client_secret: "robot",
        redirect_uris: [],
        response_types: [],
        grant_types: ["client_credentials"],
      },
    ],
    // It refuses to call loopback addresses; here everything is on one.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    cookies: { keys: ["of no worth"] },
    pkce: { required: () => true },
    // As Keycloak: tokens of a login can be renewed without asking for it.
    issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    claims: { openid: ["sub", "sid"], profile: ["preferred_username"] },
    conformIdTokenClaims: false,
    findAccount: (_, id) =>
      people.has(id) ? { accountId: id, claims: () => ({ sub: id, preferred_username: id }) } : undefined,
    // Nobody is asked whether the client may know them.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid profile");
      grant.addResourceScope("urn:ccm:api", "openid profile");
      await grant.save();
      return grant;
    },
    // As Keycloak: roles are in the access token alone, which is a JWT.
    extraTokenClaims: (_, token) => ({
      realm_access: { roles: token.accountId ? (people.get(token.accountId) ?? []) : ["operator"] },
      ...(token.accountId && { preferred_username: token.accountId }),
    }),
    features: {
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:ccm:api",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "openid profile",
          audience: "ccm",
          accessTokenFormat: "jwt",
          accessTokenTTL: 60,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, IdToken: 300, RefreshToken: 3600 },
  });
  provider.on("server_error", (_, error) => console.error(error));
  return provider;
}

async function change(request, response) {
  const name = request.url.split("/").pop();
  let text = "";
  for await (const part of request) text += part;
  if (request.method === "DELETE") people.delete(name);
  else people.set(name, JSON.parse(text).roles);
  response.writeHead(204).end();
}

// Signs in with a client library as its documentation says; the browser is somebody else: a line with the address goes
// out, and a line with the address that it came back to comes in.

import { createRequire } from "node:module";
import { createInterface } from "node:readline/promises";
import { pathToFileURL } from "node:url";

const { LIBRARY, ISSUER, CLIENT, SECRET, BACK, FROM } = process.env;
const load = (name) => import(pathToFileURL(createRequire(`${FROM}/`).resolve(name)).href);
const lines = createInterface({ input: process.stdin });
const visit = async (url) => {
  console.log(url.href);
  for await (const line of lines) return new URL(line);
};

async function openidClient() {
  const client = await load("openid-client");
  const config = await client.discovery(new URL(ISSUER), CLIENT, SECRET, undefined, {
    execute: [client.allowInsecureRequests],
  });
  const verifier = client.randomPKCECodeVerifier();
  const nonce = client.randomNonce();
  const state = client.randomState();
  const back = await visit(
    client.buildAuthorizationUrl(config, {
      redirect_uri: BACK,
      scope: "openid profile email offline_access tickets:read",
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      nonce,
      state,
    }),
  );
  const tokens = await client.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedNonce: nonce,
    expectedState: state,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  const user = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token);
  const before = await client.tokenIntrospection(config, next.access_token);
  await client.tokenRevocation(config, next.refresh_token);
  const after = await client.tokenIntrospection(config, next.access_token);
  const reused = await client.refreshTokenGrant(config, next.refresh_token).catch((error) => error.error);
  const leave = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token }).href;
  return { sub: claims.sub, email: user.email, scope: next.scope, before: before.active, after: after.active, reused, leave };
}

async function oauth4webapi() {
  const oauth = await load("oauth4webapi");
  const plain = { [oauth.allowInsecureRequests]: true };
  const issuer = new URL(ISSUER);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain));
  const client = { client_id: CLIENT };
  const proof = oauth.ClientSecretBasic(SECRET);
  const verifier = oauth.generateRandomCodeVerifier();
  const nonce = oauth.generateRandomNonce();
  const state = oauth.generateRandomState();
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: CLIENT,
    redirect_uri: BACK,
    response_type: "code",
    scope: "openid profile email offline_access tickets:read",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    nonce,
    state,
  });
  const parameters = oauth.validateAuthResponse(server, client, await visit(url), state);
  const answer = await oauth.authorizationCodeGrantRequest(server, client, proof, parameters, BACK, verifier, plain);
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(server, answer, plain);
  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  const told = await oauth.userInfoRequest(server, client, tokens.access_token, plain);
  const user = await oauth.processUserInfoResponse(server, client, sub, told);
  const request = new Request(ISSUER, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const access = await oauth.validateJwtAccessToken(server, request, "psa", plain);
  const refreshed = await oauth.refreshTokenGrantRequest(server, client, proof, tokens.refresh_token, plain);
  const next = await oauth.processRefreshTokenResponse(server, client, refreshed);
  const ask = async () =>
    (await oauth.processIntrospectionResponse(server, client, await oauth.introspectionRequest(server, client, proof, next.access_token, plain))).active;
  const before = await ask();
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, proof, next.refresh_token, plain));
  const after = await ask();
  const late = await oauth.refreshTokenGrantRequest(server, client, proof, next.refresh_token, plain);
  const reused = await oauth.processRefreshTokenResponse(server, client, late).catch((error) => error.error);
  return { sub, email: user.email, scope: access.scope, before, after, reused, leave: server.end_session_endpoint };
}

const result = await { "openid-client": openidClient, oauth4webapi }[LIBRARY]();
console.log(JSON.stringify(result));
process.exit(0);

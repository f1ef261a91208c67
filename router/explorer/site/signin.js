// Signs in at the platform's own provider: an authorization code with proof (PKCE), as every browser client does. The
// provider's page may live at another name of this machine (localhost), so the code is turned into a token here, at
// the address that this page came from: the router answers at both.
//
// What came along with the token stays as long as the browser tab: with it the next token is had when this one has run out, and
// the session at the provider is ended when one signs out.

import * as session from "./session.js";
import { word } from "./words.js";

const CLIENT = "AAAAAAAAAAAAAAAAAAAAAQexplorer";
const PENDING = "psa-explorer:signing-in";
const SIGNED_IN = "psa-explorer:signed-in";
const CONFIGURATION = "/.well-known/openid-configuration";

// Leave for the provider's page, which sends the browser back here; or say why not.
export async function begin() {
  const { authorization_endpoint } = await configuration();
  if (!authorization_endpoint) return word("noSignIn");
  const verifier = random();
  const state = random();
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state }));
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT,
    redirect_uri: home(),
    scope: "openid profile",
    state,
    code_challenge: await challenge(verifier),
    code_challenge_method: "S256",
  });
  location.assign(`${authorization_endpoint}?${parameters}`);
}

// The token that a code in the address stands for, or why there is none; neither when nobody comes back from the provider.
export async function finish() {
  const answered = new URLSearchParams(location.search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  if (!answered.has("state")) return {};
  sessionStorage.removeItem(PENDING);
  history.replaceState(null, "", location.pathname + location.hash);
  if (!pending || answered.get("state") !== pending.state) return {};
  if (!answered.has("code")) return { problem: word("notSignedIn", answered.get("error_description") ?? answered.get("error") ?? "") };
  const told = await exchanged({ grant_type: "authorization_code", code: answered.get("code"), redirect_uri: home(), code_verifier: pending.verifier });
  if (told.access_token) return { token: told.access_token };
  return { problem: told.status === 0 ? word("unreachable") : word("notSignedIn", told.error_description ?? told.error ?? told.status) };
}

let renewing = null;

// Turns a token that has run out into the next; false for one that was brought along, or when signing in holds no longer.
export function renew() {
  renewing ??= renewed().finally(() => (renewing = null));
  return renewing;
}

async function renewed() {
  const refresh = kept()?.refresh;
  if (!refresh) return false;
  const { access_token } = await exchanged({ grant_type: "refresh_token", refresh_token: refresh });
  if (access_token) session.keep(access_token);
  return Boolean(access_token);
}

// Ends the session at the provider, too, and comes back; false when nobody signed in there.
export async function end() {
  const proof = kept()?.proof;
  const { end_session_endpoint, issuer } = proof ? await configuration() : {};
  if (!end_session_endpoint) return false;
  const parameters = new URLSearchParams({ id_token_hint: proof, post_logout_redirect_uri: `${issuer}/` });
  return () => location.assign(`${end_session_endpoint}?${parameters}`);
}

// What is known of somebody who signed in here: `name`, say.
export function person() {
  return session.claimsOf(kept()?.proof ?? "");
}

// Of the token that is used now; one that was brought along since has nothing to do with it.
function kept() {
  const found = JSON.parse(sessionStorage.getItem(SIGNED_IN) ?? "null");
  return found?.token === session.token() ? found : null;
}

async function exchanged(given) {
  const proof = kept()?.proof;
  const response = await fetch("/auth/token", { method: "POST", body: new URLSearchParams({ client_id: CLIENT, ...given }) }).catch(() => null);
  const told = (await response?.json().catch(() => null)) ?? {};
  if (!response?.ok) return { ...told, access_token: undefined, status: response?.status ?? 0 };
  sessionStorage.setItem(SIGNED_IN, JSON.stringify({ token: told.access_token, refresh: told.refresh_token, proof: told.id_token ?? proof }));
  return told;
}

async function configuration() {
  const found = await fetch(CONFIGURATION).catch(() => null);
  return found?.ok ? found.json() : {};
}

function home() {
  return `${location.origin}/`;
}

function random() {
  return encoded(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier) {
  return encoded(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function encoded(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Signs in at the platform's own provider: an authorization code with proof (PKCE), as every browser client does. The
// provider's page may live at another name of this machine (localhost), so the code is turned into a token here, at
// the address that this page came from: the router answers at both.

import { word } from "./words.js";

const CLIENT = "AAAAAAAAAAAAAAAAAAAAAQexplorer";
const PENDING = "psa-explorer:signing-in";
const CONFIGURATION = "/.well-known/openid-configuration";

// Leave for the provider's page, which sends the browser back here; or say why not.
export async function begin() {
  const found = await fetch(CONFIGURATION).catch(() => null);
  if (!found?.ok) return word("noSignIn");
  const { authorization_endpoint } = await found.json();
  const verifier = random();
  const state = random();
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state }));
  const parameters = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT,
    redirect_uri: home(),
    scope: "openid",
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
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: CLIENT,
    code: answered.get("code"),
    redirect_uri: home(),
    code_verifier: pending.verifier,
  });
  const response = await fetch("/auth/token", { method: "POST", body }).catch(() => null);
  if (!response) return { problem: word("unreachable") };
  const told = await response.json().catch(() => ({}));
  return response.ok ? { token: told.access_token } : { problem: word("notSignedIn", told.error_description ?? told.error ?? response.status) };
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

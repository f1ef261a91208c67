// Who is signed in: the token of this browser tab, and what it says about its owner.

import { language, word } from "./words.js";

const KEY = "psa-explorer:token";

export function token() {
  return sessionStorage.getItem(KEY);
}

export function keep(value) {
  sessionStorage.setItem(KEY, value);
  dispatchEvent(new Event("token"));
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

// A link may bring the token along as `/#token=...`. Fragments are never sent to a server; it leaves the address bar
// and the tab's history at once, so that it is not copied or bookmarked by accident.
export function takeFromAddress() {
  const brought = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!brought) return null;
  // A link may name a view as well: `/#token=...&view=/map/Customer`.
  const view = new URLSearchParams(location.hash.slice(1)).get("view");
  history.replaceState(null, "", location.pathname + location.search + (view?.startsWith("/") ? `#${view}` : ""));
  return clean(brought);
}

// People paste what they have: with `Bearer ` in front, in quotes, with line breaks from a terminal.
export function clean(text) {
  return text.replace(/^\s*["']?(?:authorization:\s*)?(?:bearer\s+)?/i, "").replace(/["'\s]/g, "");
}

// The claims are shown, never trusted: the platform verifies the token with every request.
export function owner(value, known = {}) {
  const claims = claimsOf(value);
  const name = known.name ?? claims.name ?? claims.email ?? claims.roles?.join(", ") ?? claims.kind?.toLowerCase() ?? "signed in";
  return claims.exp ? `${name} · ${word("until", clock(claims.exp))}` : name;
}

export function claimsOf(value) {
  try {
    const bytes = Uint8Array.from(atob(value.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {}; // an opaque token says nothing about its owner
  }
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
}

// The operation that was run last: what was asked, what came back, and how the router says that it was answered. The editor gets
// the answer as if nobody had asked for the rest.

const WANTED = { "apollo-expose-query-plan": "true", "apollo-cache-debugging": "true", "psa-expose-trace": "true" };
const EXTENSIONS = ["apolloQueryPlan", "apolloCacheDebugging", "trace"];
const listeners = new Set();

export let last = null;

export function listen(listener) {
  listeners.add(listener);
}

export async function watched(request) {
  const sent = await operationOf(request);
  if (!sent || /^\s*(#.*\s*)*subscription\b/.test(sent.query) || sent.query.includes("__schema")) return { request, answered: (answer) => answer };
  // Whoever typed one of these headers into the editor wants to read the answer there.
  const added = Object.keys(WANTED).every((name) => !request.headers.has(name));
  if (added) for (const [name, value] of Object.entries(WANTED)) request.headers.set(name, value);
  const began = performance.now();
  return { request, answered: (answer) => noted(sent, answer, began, added) };
}

async function operationOf(request) {
  if (request.method !== "POST" || !request.headers.get("content-type")?.includes("json")) return null;
  const body = await request.clone().json().catch(() => null);
  return typeof body?.query === "string" ? body : null;
}

async function noted(sent, answer, began, added) {
  if (!answer.headers.get("content-type")?.includes("json")) return answer;
  const text = await answer.clone().text();
  const milliseconds = performance.now() - began;
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return answer;
  }
  last = { sent, status: answer.status, milliseconds, body, extensions: body.extensions ?? {} };
  listeners.forEach((listener) => listener(last));
  return added ? without(body, answer) : answer;
}

function without(body, answer) {
  const extensions = Object.fromEntries(Object.entries(body.extensions ?? {}).filter(([name]) => !EXTENSIONS.includes(name)));
  const { extensions: _, ...rest } = body;
  const shown = Object.keys(extensions).length ? { ...rest, extensions } : rest;
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  headers.delete("content-encoding");
  return new Response(JSON.stringify(shown), { status: answer.status, statusText: answer.statusText, headers });
}

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
  const kind = answer.headers.get("content-type") ?? "";
  if (kind.startsWith("multipart/mixed")) return inParts(sent, answer, began, added);
  if (!kind.includes("json")) return answer;
  const body = await answer.clone().json().catch(() => null);
  if (!body) return answer;
  keep(sent, answer, began, body);
  return added ? new Response(JSON.stringify(without(body)), { ...about(answer), headers: whole(answer) }) : answer;
}

function keep(sent, answer, began, body) {
  last = { sent, status: answer.status, milliseconds: performance.now() - began, body, extensions: body.extensions ?? {} };
  listeners.forEach((listener) => listener(last));
}

// A deferred answer comes in parts, each of them a line of JSON: every part goes on at once, and all that they tell is one run.
function inParts(sent, answer, began, added) {
  const body = { extensions: {} };
  let rest = "";
  const line = (text) => {
    if (!text.startsWith("{")) return text;
    const part = JSON.parse(text);
    body.data ??= part.data;
    Object.assign(body.extensions, part.extensions);
    const errors = [part, ...(part.incremental ?? [])].flatMap((one) => one.errors ?? []);
    if (errors.length) body.errors = [...(body.errors ?? []), ...errors];
    return added ? JSON.stringify(without(part)) : text;
  };
  const parts = new TransformStream({
    transform(text, out) {
      const lines = (rest + text).split("\r\n");
      // Where a part ends, its mark may stand without an end of line: only a line of JSON is waited for.
      rest = lines.at(-1).startsWith("{") ? lines.pop() : "";
      out.enqueue(lines.map(line).join("\r\n") + (rest ? "\r\n" : ""));
    },
    flush(out) {
      out.enqueue(line(rest));
      keep(sent, answer, began, body);
    },
  });
  const read = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(parts);
  return new Response(read.pipeThrough(new TextEncoderStream()), { ...about(answer), headers: whole(answer) });
}

function without(body) {
  const extensions = Object.fromEntries(Object.entries(body.extensions ?? {}).filter(([name]) => !EXTENSIONS.includes(name)));
  const { extensions: _, ...rest } = body;
  return Object.keys(extensions).length ? { ...rest, extensions } : rest;
}

function about({ status, statusText }) {
  return { status, statusText };
}

function whole(answer) {
  const headers = new Headers(answer.headers);
  headers.delete("content-length");
  headers.delete("content-encoding");
  return headers;
}

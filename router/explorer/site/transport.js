// How the page speaks with the platform: every request to the endpoint carries the tab's token, and a refused token is
// noticed wherever it happens. Whatever wants to see a request or its answer (a plan, a trace) listens here.

import * as runs from "./runs.js";
import * as session from "./session.js";
import * as signin from "./signin.js";
import { word } from "./words.js";

export const ENDPOINT = "/graphql";

const plainFetch = window.fetch.bind(window);

// The editor makes its requests with `fetch`. It gets the token here, so that no tab, collection or history ever stores it.
export function install(onRefused) {
  window.fetch = async (input, init) => {
    if (!isEndpoint(input)) return plainFetch(input, init);
    const watched = await runs.watched(asPost(new Request(input, init)));
    const answer = await delivered(watched.request);
    if (answer.status === 401) onRefused();
    return isEventStream(answer) ? oneByOne(answer) : watched.answered(answer);
  };
}

// A token that has run out is renewed, if it can be, and the request sent once more. A header that somebody typed into the editor
// wins: that is how one tries what another caller sees.
async function delivered(request) {
  const isOurs = !request.headers.has("authorization");
  const answer = await plainFetch(isOurs ? withToken(request.clone()) : request).catch((fault) => {
    throw request.signal.aborted ? fault : new TypeError(word("unreachable"));
  });
  return answer.status === 401 && isOurs && (await signin.renew()) ? plainFetch(withToken(request)) : answer;
}

// The schema as this token may see it. The answer says in words why there is none.
export async function introspect(token) {
  const query = await (await plainFetch(new URL("introspection.graphql", import.meta.url))).text();
  let answer;
  try {
    answer = await plainFetch(withToken(ENDPOINT, { method: "POST", headers: HEADERS, body: JSON.stringify({ query }) }, token));
  } catch {
    return { problem: word("unreachable") };
  }
  if (answer.status === 401) return { problem: word("tokenUnknown") };
  const body = await answer.json().catch(() => null);
  if (body?.data?.__schema) return { schema: body.data };
  const reason = body?.errors?.[0]?.message ?? word("answeredStatus", answer.status);
  return { problem: word("noSchema", reason) };
}

const asked = new Map();

// Something else that this host tells who is signed in; asked for until it is told, and then no more.
export function ask(path) {
  if (!asked.has(path)) {
    asked.set(path, told(path));
    asked.get(path).catch(() => asked.delete(path));
  }
  return asked.get(path);
}

async function told(path) {
  const answer = await delivered(new Request(path));
  if (answer.ok) return answer.json();
  const body = await answer.json().catch(() => null);
  throw new Error(body?.errors?.[0]?.message ?? body?.detail ?? `${answer.status}`);
}

// A request that somebody tries out: not remembered, and refused or not, its answer is shown.
export function send(path, init) {
  return delivered(new Request(path, init));
}

const HEADERS = { "content-type": "application/json", accept: "application/graphql-response+json, application/json" };

function isEndpoint(input) {
  const url = new URL(input instanceof Request ? input.url : input, location.href);
  return url.origin === location.origin && url.pathname === ENDPOINT;
}

// The editor subscribes with GET, the document in the address: long ones do not fit, and addresses end up in logs.
function asPost(request) {
  const { searchParams, origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || !searchParams.has("query")) return request;
  const { query, operationName, ...encoded } = Object.fromEntries(searchParams);
  const rest = Object.fromEntries(Object.entries(encoded).map(([name, text]) => [name, JSON.parse(text)]));
  const headers = new Headers(request.headers);
  headers.set("content-type", HEADERS["content-type"]);
  const body = JSON.stringify({ query, operationName, ...rest });
  return new Request(origin + pathname, { method: "POST", headers, body, signal: request.signal });
}

function isEventStream(answer) {
  return answer.headers.get("content-type")?.startsWith("text/event-stream") && answer.body;
}

// The editor knows LF alone as the end of an event's line, where the standard allows CR LF as well; and of events that
// arrive together it shows only the last. So they are handed on one by one, with time to draw each.
function oneByOne(answer) {
  let rest = "";
  const split = new TransformStream({
    async transform(text, out) {
      const events = (rest + text.replaceAll("\r", "")).split("\n\n");
      rest = events.pop();
      // The end is no answer; the stream ends with it.
      for (const event of events.filter((one) => !/^event: ?complete$/m.test(one))) {
        out.enqueue(event + "\n\n");
        await turn();
        await turn();
      }
    },
  });
  const text = answer.body.pipeThrough(new TextDecoderStream());
  return new Response(text.pipeThrough(split).pipeThrough(new TextEncoderStream()), answer);
}

function turn() {
  return new Promise((resolve) => setTimeout(resolve, 40));
}

function withToken(input, init, token = session.token()) {
  const request = new Request(input, init);
  if (token) request.headers.set("authorization", `Bearer ${token}`);
  return request;
}

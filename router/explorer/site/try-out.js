// Tries a REST route out: a form for its parameters, a body, and the answer. What changes something is a dry run unless one says no.

import { make } from "./elements.js";
import { send } from "./transport.js";
import { word } from "./words.js";

const ASKED = 8;
const USUAL = ["q", "sort", "limit", "cursor", "fields", "expand"];

export function tryOut(route, example) {
  const inputs = chosen(route.parameters).map((one) => ({ ...one, input: make("input", { name: one.name, id: `try-${one.in}-${one.name}`, required: one.required, autocomplete: "off" }) }));
  const writes = route.method !== "get";
  const dry = writes ? make("input", { type: "checkbox", id: "try-dry", checked: true }) : null;
  const body = writes && example !== null ? make("textarea", { id: "try-body", rows: "8", spellcheck: "false" }) : null;
  if (body) body.value = JSON.stringify(example, null, 2);
  const answer = make("pre", { tabindex: "0", hidden: true });
  const status = make("p", { role: "status" });
  const form = make(
    "form",
    { class: "try" },
    ...inputs.map(({ name, input }) => make("div", {}, make("label", { for: input.id }, name), input)),
    body ? make("div", { class: "wide" }, make("label", { for: "try-body" }, word("body")), body) : null,
    dry ? make("label", { class: "check" }, dry, word("dryRun")) : null,
    make("button", { type: "submit" }, word("send")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const began = performance.now();
    const found = await send(address(route, inputs), request(route, inputs, body, dry)).catch((error) => new Response(error.message, { status: 599 }));
    const text = await found.text();
    status.textContent = word("answered", found.status, Math.round(performance.now() - began));
    answer.hidden = false;
    answer.textContent = readable(text);
  });
  return [make("h3", {}, word("tryIt")), form, status, answer];
}

// Those that are needed, those that most are asked with, and a few of the others: a route may have a hundred filters.
function chosen(parameters) {
  const usable = parameters.filter((one) => one.in === "path" || one.in === "query");
  const rank = ({ name }) => (USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length);
  const first = usable.filter((one) => !one.required && !/\]\[/.test(one.name)).sort((one, other) => rank(one) - rank(other));
  return [...usable.filter((one) => one.required), ...first.slice(0, ASKED)];
}

function address(route, inputs) {
  const given = inputs.filter(({ input }) => input.value !== "");
  const path = given.filter((one) => one.in === "path").reduce((so_far, { name, input }) => so_far.replace(`{${name}}`, encodeURIComponent(input.value)), route.address);
  const query = new URLSearchParams(given.filter((one) => one.in === "query").map(({ name, input }) => [name, input.value]));
  return query.size ? `${path}?${query}` : path;
}

function request(route, inputs, body, dry) {
  const headers = new Headers({ accept: "application/json" });
  if (dry?.checked) headers.set("prefer", "dry-run");
  if (route.method !== "get") headers.set("idempotency-key", crypto.randomUUID());
  if (body) headers.set("content-type", route.method === "patch" ? "application/merge-patch+json" : "application/json");
  return { method: route.method.toUpperCase(), headers, body: body?.value };
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

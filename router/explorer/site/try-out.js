// Tries a REST route out: a form for its parameters, headers and body, and the answer. What changes something is a dry run unless
// one says no.

import { make } from "./elements.js";
import { resolved } from "./offers.js";
import { called } from "./samples.js";
import { send } from "./transport.js";
import { word } from "./words.js";

const USUAL = ["q", "sort", "limit", "cursor", "fields", "expand", "If-Match"];

export function tryOut(api, route, example) {
  const inputs = route.parameters.map((one) => ({ ...one, input: inputFor(one, resolved(api, one.schema ?? {}), api) }));
  const writes = route.method !== "get";
  const dry = writes ? make("input", { type: "checkbox", id: "try-dry", checked: true }) : null;
  const body = writes && example !== null ? make("textarea", { id: "try-body", rows: "8", spellcheck: "false" }) : null;
  if (body) body.value = JSON.stringify(example, null, 2);
  const answer = make("div", { class: "answer" });
  const status = make("p", { role: "status" });
  const form = make(
    "form",
    { class: "try" },
    ...arranged(inputs),
    body ? make("div", { class: "wide" }, make("label", { for: "try-body" }, word("body")), body) : null,
    dry ? make("label", { class: "check" }, dry, word("dryRun")) : null,
    make("button", { type: "submit" }, word("send")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const began = performance.now();
    const [path, init] = [address(route, inputs), request(route, inputs, body, dry)];
    answer.replaceChildren();
    try {
      const found = await send(path, init);
      const text = await found.text();
      status.textContent = word("answered", found.status, Math.round(performance.now() - began));
      answer.replaceChildren(...told(found, text), folded("curl", called(location.origin + path, init)));
    } catch (fault) {
      status.textContent = fault.message;
    }
  });
  return [make("h3", {}, word("tryIt")), form, status, answer];
}

// Those that are needed and those that most are asked with; the others, a route may have a hundred filters, when somebody looks.
function arranged(inputs) {
  const place = ({ name, required }) => (required ? -1 : USUAL.indexOf(name) + 1 || USUAL.length + 1);
  const sorted = [...inputs].sort((one, other) => place(one) - place(other));
  const rest = sorted.filter((one) => place(one) > USUAL.length);
  const more = rest.length ? make("details", { class: "wide" }, make("summary", {}, word("moreParameters", rest.length)), make("div", { class: "try" }, ...rest.map(labelled))) : null;
  return [...sorted.filter((one) => place(one) <= USUAL.length).map(labelled), more];
}

function labelled({ name, input }) {
  return make("div", {}, make("label", { for: input.id }, name), input);
}

function inputFor({ name, in: where, required, description }, schema, api) {
  const own = { name, id: `try-${where}-${name}`, required, title: description };
  const values = schema.type === "boolean" ? ["true", "false"] : schema.enum;
  if (values) return make("select", own, make("option", { value: "" }), ...values.map((one) => make("option", {}, String(one))));
  const inside = schema.type === "array" ? resolved(api, schema.items ?? {}).enum : null;
  const hint = inside ? inside.slice(0, 3).join(",") + (inside.length > 3 ? ",…" : "") : (schema.examples?.[0] ?? schema.format ?? schema.default);
  return make("input", { ...own, autocomplete: "off", spellcheck: "false", placeholder: hint, inputmode: schema.type === "integer" ? "numeric" : null });
}

function address(route, inputs) {
  const given = inputs.filter(({ input }) => input.value !== "");
  const path = given.filter((one) => one.in === "path").reduce((so_far, { name, input }) => so_far.replace(`{${name}}`, encodeURIComponent(input.value)), route.address);
  const query = new URLSearchParams(given.filter((one) => one.in === "query").map(({ name, input }) => [name, input.value]));
  return query.size ? `${path}?${query}` : path;
}

function request(route, inputs, body, dry) {
  const headers = { accept: "application/json" };
  if (route.method !== "get") headers["idempotency-key"] = crypto.randomUUID();
  for (const { name, input } of inputs.filter((one) => one.in === "header" && one.input.value !== "")) headers[name.toLowerCase()] = input.value;
  if (dry?.checked) headers.prefer = [headers.prefer, "dry-run"].filter(Boolean).join(", ");
  if (body) headers["content-type"] = route.method === "patch" ? "application/merge-patch+json" : "application/json";
  return { method: route.method.toUpperCase(), headers, body: body?.value };
}

function told(found, text) {
  const headers = [...found.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return [text ? make("pre", { tabindex: "0" }, readable(text)) : null, folded(word("headers"), headers)].filter(Boolean);
}

function folded(title, text) {
  return make("details", {}, make("summary", {}, title), make("pre", { tabindex: "0" }, text));
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

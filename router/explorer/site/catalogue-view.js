// The catalogue of REST routes and events, and a place to try the routes out.

import { make, prose, table } from "./elements.js";
import { list } from "./list.js";
import { holds, model, role } from "./model.js";
import * as offers from "./offers.js";
import { tryOut } from "./try-out.js";
import { word } from "./words.js";

export async function open(host) {
  const [{ api, routes }, { api: told, events }, schema] = await Promise.all([offers.rest(), offers.events(), model()]);
  const held = schema.roles.roles[role()]?.permissions;
  const all = [...routes.filter((route) => !held || route.scopes.every((scope) => holds(held, scope))), ...events];
  const input = make("input", { type: "search", placeholder: word("filterCatalogue"), "aria-label": word("filterCatalogue") });
  const count = make("p", { class: "quiet", role: "status" });
  const results = list(word("catalogue"), row, (one) => (location.hash = `#/catalogue/${encodeURIComponent(one.title)}`));
  const detail = make("div", { class: "detail", tabindex: "-1" }, make("p", { class: "quiet" }, word("chooseOne")));
  host.replaceChildren(make("div", { class: "side" }, input, count, results.element), detail);
  const fill = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = all.filter((one) => words.every((each) => `${one.title} ${one.summary} ${one.kind}`.toLowerCase().includes(each)));
    count.textContent = word("found", found.length);
    results.fill(found);
  };
  input.addEventListener("input", fill);
  input.addEventListener("keydown", (event) => event.key === "ArrowDown" && (event.preventDefault(), results.element.focus()));
  fill();
  return {
    show(title) {
      const one = all.find((found) => found.title === title);
      if (one) detail.replaceChildren(...(one.kind === "event" ? event(told, one) : route(api, one)));
      detail.scrollTop = 0;
      results.mark((found) => found === one);
    },
  };
}

function row(one) {
  const [method, path] = one.kind === "event" ? [word("event"), one.title] : one.title.split(" ");
  return [make("span", { class: `kind ${one.kind} ${method.toLowerCase()}` }, method), make("span", { class: "name" }, path)];
}

function route(api, one) {
  const body = offers.resolved(api, one.requestBody ?? {}).content ?? {};
  const parameters = one.parameters.map((each) => [each.name, each.in, offers.typeOf(api, each.schema ?? {}), prose((each.required ? `${word("required")}. ` : "") + (each.description ?? ""))]);
  const answers = Object.entries(one.responses ?? {}).map(([status, each]) => [status, prose(offers.resolved(api, each).description)]);
  return [
    make("h2", {}, one.title),
    make("p", {}, ...prose(one.description ?? one.summary)),
    one.scopes.length && !one.description?.includes("Needs ") ? make("p", {}, word("needs"), " ", make("code", {}, one.scopes.join(" "))) : null,
    one.field ? make("p", { class: "quiet" }, "GraphQL: ", make("a", { href: `#/map/${one.field.split(".").slice(0, 2).join("/")}` }, one.field)) : null,
    ...tryOut(api, one, exampleOf(api, body)),
    ...(parameters.length ? [table(word("parameters"), [word("name"), word("where"), word("type"), word("description")], parameters)] : []),
    ...Object.entries(body).map(([kind, content]) => table(`${word("body")}: ${kind}`, [word("name"), word("type"), word("description")], properties(api, content.schema))),
    table(word("answers"), ["status", word("description")], answers),
  ].filter(Boolean);
}

function event(api, one) {
  const payload = offers.resolved(api, one.message.payload ?? {});
  const parts = payload.allOf?.map((part) => offers.resolved(api, part)) ?? [payload];
  const data = parts.map((part) => part.properties?.data).find((part) => part?.$ref || part?.properties);
  const example = one.message.examples?.[0]?.payload;
  return [
    make("h2", {}, one.title),
    make("p", {}, ...prose(one.summary)),
    make("p", { class: "modules" }, ...one.tags.map((tag) => make("span", { class: "module" }, tag))),
    ...(data ? [table(word("payload"), [word("name"), word("type"), word("description")], properties(api, data))] : []),
    ...(example ? [make("h3", {}, word("example")), make("pre", { tabindex: "0" }, JSON.stringify(example, null, 2))] : []),
  ];
}

function properties(api, schema = {}) {
  const found = offers.resolved(api, schema);
  const required = new Set(found.required ?? []);
  return Object.entries(found.properties ?? {}).map(([name, part]) => [
    name + (required.has(name) ? " *" : ""),
    offers.typeOf(api, part),
    prose(part.description ?? offers.resolved(api, part).description),
  ]);
}

function exampleOf(api, body) {
  const content = Object.values(body)[0];
  return content?.example ?? Object.values(content?.examples ?? {})[0]?.value ?? null;
}

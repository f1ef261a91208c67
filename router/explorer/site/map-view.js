// The schema map: search on the left, the chosen type on the right, and the picture of how entities connect.

import { drawing } from "./drawing.js";
import { make, prose, table } from "./elements.js";
import { list } from "./list.js";
import { model, named, written } from "./model.js";
import * as offers from "./offers.js";
import { indexed, search } from "./search.js";
import { word } from "./words.js";

const MOST_USERS = 200;

export async function open(host) {
  const [schema, { routes }, { events }] = await Promise.all([model(), offers.rest(), offers.events()]);
  const index = indexed({ types: schema.types, routes, events });
  const input = make("input", { type: "search", placeholder: word("search"), "aria-label": word("search") });
  const modules = make("select", { "aria-label": word("module") }, make("option", { value: "" }, word("allModules")), ...schema.subgraphs.map((name) => make("option", {}, name)));
  const count = make("p", { class: "quiet", role: "status" });
  const results = list(word("map"), row, (one) => (location.hash = `#/${one.address}`));
  const detail = make("div", { class: "detail", tabindex: "-1" });
  host.replaceChildren(make("div", { class: "side" }, input, modules, count, results.element), detail);
  const fill = () => {
    const found = search(index, input.value, modules.value);
    count.textContent = word("found", found.length);
    results.fill(found);
  };
  input.addEventListener("input", fill);
  modules.addEventListener("change", fill);
  input.addEventListener("keydown", (event) => event.key === "ArrowDown" && (event.preventDefault(), results.element.focus()));
  fill();
  return {
    show(name, field) {
      detail.replaceChildren(...about(schema, name));
      detail.scrollTop = 0;
      if (field) point(detail, schema, schema.types.get(name)?.fields.find((one) => one.name === field));
      results.mark((one) => one.address === `map/${name}/${field}`, (one) => one.address === `map/${name}`);
    },
  };
}

function row({ kind, name, owners }) {
  return [make("span", { class: `kind ${kind}` }, word(kind)), make("span", { class: "name" }, name), make("span", { class: "owners" }, owners.join(" "))];
}

function about(schema, name) {
  const go = (chosen) => (location.hash = `#/map/${chosen}`);
  const picture = [make(name ? "h3" : "h2", { class: "drawing-title" }, word("drawing")), make("p", { class: "quiet" }, word("drawingHelp")), drawing(schema.types, schema.connections, name, go)];
  const type = schema.types.get(name);
  if (!type) return [make("p", { class: "quiet" }, word("chooseOne")), ...picture];
  return [
    make("h2", {}, name, " ", make("small", {}, type.kind.toLowerCase().replaceAll("_", " "))),
    make("p", {}, ...prose(type.description)),
    make("p", { class: "modules" }, ...type.owners.map((owner) => make("span", { class: "module" }, owner))),
    ...keys(type),
    ...(type.fields.length ? [type.kind === "INPUT_OBJECT" ? taken(schema, "fields", type.fields, type.name) : given(schema, type)] : []),
    ...(type.enumValues?.length ? [table(word("values"), [word("name"), word("description")], type.enumValues.map((one) => [one.name, prose(one.description)]))] : []),
    ...(type.possibleTypes?.length ? [make("h3", {}, word("members")), make("p", {}, ...type.possibleTypes.map((one) => [link(one.name), " "]))] : []),
    ...users(schema, "usedBy", (other, field) => other.kind !== "INPUT_OBJECT" && field.named === name),
    ...users(schema, "takenBy", (other, field) => (other.kind === "INPUT_OBJECT" && field.named === name) || field.args?.some((one) => named(one.type) === name)),
    ...(type.isEntity ? picture : []),
  ];
}

function keys(type) {
  const rows = Object.entries(type.keys).map(([module, found]) => [module, found.map((key) => key.fields + (key.resolvable ? "" : ` (${word("notResolvable")})`)).join(", ")]);
  return rows.length ? [table(word("keys"), [word("module"), word("keys")], rows)] : [];
}

function given(schema, type) {
  const heads = ["name", "type", "by", "needs", "description"].map((one) => word(one));
  return table(word("fields"), heads, type.fields.map((field) => fieldRow(schema, type, field)));
}

// What can be said: the fields of an input, the arguments of a field.
function taken(schema, caption, values, parent) {
  const rows = values.map((one) => [
    parent ? make("span", { "data-field": one.name }, one.name) : one.name,
    typed(schema, named(one.type), written(one.type)),
    one.defaultValue ?? (one.type.kind === "NON_NULL" ? word("required") : ""),
    prose([one.description ?? "", ...gone(one)].filter(Boolean).join(" · ")),
  ]);
  return table(word(caption), ["name", "type", "default", "description"].map((one) => word(one)), rows);
}

function users(schema, title, uses) {
  const found = [...schema.types.values()].flatMap((other) => other.fields.filter((field) => uses(other, field)).map((field) => link(`${other.name}/${field.name}`, `${other.name}.${field.name}`)));
  if (!found.length) return [];
  const rest = found.length > MOST_USERS ? word("more", found.length - MOST_USERS) : null;
  return [make("h3", {}, word(title)), make("p", { class: "wrapped" }, ...found.slice(0, MOST_USERS).map((one) => [one, " "]), rest)];
}

function fieldRow(schema, type, field) {
  const asked = [
    ...field.demands.map((anyOf) => anyOf.map((clause) => clause.join(" + ")).join(" | ")),
    ...field.asks.flatMap((one) => (one.authenticated ? [word("signedIn")] : (one.policies ?? []).map((clause) => word("policy", clause.join(" + "))))),
  ];
  const extra = Object.values(field.requires).map((set) => word("computedFrom", set));
  const args = (field.args ?? []).map((arg) => arg.name).join(", ");
  return [
    make("span", { "data-field": field.name }, link(`${type.name}/${field.name}`, field.name), args ? make("small", {}, ` (${args})`) : ""),
    typed(schema, field.named, field.written),
    field.owners.join(", "),
    make("code", { class: asked.length ? "" : "none" }, asked.join("; ")),
    prose([field.description ?? "", ...extra, ...gone(field)].filter(Boolean).join(" · ")),
  ];
}

// Shows the row of a field, and all that it takes below it.
function point(detail, schema, field) {
  const row = field && [...detail.querySelectorAll("[data-field]")].find((one) => one.dataset.field === field.name)?.closest("tr");
  if (!row) return;
  row.setAttribute("aria-current", "true");
  if (field.args?.length) row.after(make("tr", { class: "arguments" }, make("td", { colspan: row.cells.length }, taken(schema, "arguments", field.args))));
  row.querySelector("[data-field]").scrollIntoView({ block: "start" });
}

function gone(one) {
  return one.isDeprecated || one.deprecationReason ? [word("deprecated", one.deprecationReason ?? "")] : [];
}

function typed(schema, name, text) {
  return schema.types.has(name) ? link(name, text) : text;
}

function link(name, text = name) {
  return make("a", { href: `#/map/${name}` }, text);
}

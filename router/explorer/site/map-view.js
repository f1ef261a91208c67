// The schema map: search on the left, the chosen type on the right, and the picture of how entities connect.

import { drawing } from "./drawing.js";
import { make, prose, table } from "./elements.js";
import { list } from "./list.js";
import { model } from "./model.js";
import * as offers from "./offers.js";
import { indexed, search } from "./search.js";
import { word } from "./words.js";

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
    show(name) {
      detail.replaceChildren(...about(schema, name));
      detail.scrollTop = 0;
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
  const users = [...schema.types.values()].flatMap((other) => other.fields.filter((field) => field.named === name).map((field) => ({ other, field })));
  return [
    make("h2", {}, name, " ", make("small", {}, type.kind.toLowerCase().replaceAll("_", " "))),
    make("p", {}, ...prose(type.description)),
    make("p", { class: "modules" }, ...type.owners.map((owner) => make("span", { class: "module" }, owner))),
    ...keys(type),
    ...(type.fields.length ? [table(word("fields"), ["name", "type", "by", "needs", "description"].map((one) => word(one)), type.fields.map((field) => fieldRow(schema, field)))] : []),
    ...(type.enumValues?.length ? [table(word("values"), [word("name"), word("description")], type.enumValues.map((one) => [one.name, prose(one.description)]))] : []),
    ...(type.possibleTypes?.length ? [make("h3", {}, word("members")), make("p", {}, ...type.possibleTypes.map((one) => [link(one.name), " "]))] : []),
    ...(users.length ? [make("h3", {}, word("usedBy")), make("p", { class: "wrapped" }, ...users.slice(0, 200).map(({ other, field }) => [link(other.name, `${other.name}.${field.name}`), " "]))] : []),
    ...(type.isEntity ? picture : []),
  ];
}

function keys(type) {
  const rows = Object.entries(type.keys).map(([module, found]) => [module, found.map((key) => key.fields + (key.resolvable ? "" : ` (${word("notResolvable")})`)).join(", ")]);
  return rows.length ? [table(word("keys"), [word("module"), word("keys")], rows)] : [];
}

function fieldRow(schema, field) {
  const asked = [
    ...field.demands.map((anyOf) => anyOf.map((clause) => clause.join(" + ")).join(" | ")),
    ...field.asks.flatMap((one) => (one.authenticated ? [word("signedIn")] : (one.policies ?? []).map((clause) => word("policy", clause.join(" + "))))),
  ];
  const extra = Object.values(field.requires).map((set) => word("computedFrom", set));
  const old = field.isDeprecated ? [word("deprecated", field.deprecationReason ?? "")] : [];
  const args = (field.args ?? []).map((arg) => arg.name).join(", ");
  return [
    make("span", {}, field.name, args ? make("small", {}, ` (${args})`) : ""),
    schema.types.has(field.named) ? link(field.named, field.written) : field.written,
    field.owners.join(", "),
    make("code", { class: asked.length ? "" : "none" }, asked.join("; ")),
    prose([field.description ?? "", ...extra, ...old].filter(Boolean).join(" · ")),
  ];
}

function link(name, text = name) {
  return make("a", { href: `#/map/${name}` }, text);
}

// The schema as the page shows it: introspection and the map of who owns what in one, seen as a role if one was chosen.

import * as memory from "./memory.js";
import { ask } from "./transport.js";

const ROOTS = { queryType: "Query", mutationType: "Mutation", subscriptionType: "Subscription" };

let introspection = null;
let loading = null;

export function use(schema) {
  introspection = schema;
  loading = null;
}

export const role = () => memory.recall("role", null);

// { types: Map, subgraphs, connections, roles, routes, events }: whatever can't be had is absent, and the rest works.
export function model() {
  loading ??= load().catch((fault) => {
    loading = null; // whoever asks again may have more luck
    throw fault;
  });
  return loading;
}

async function load() {
  const [map, roles] = await Promise.all([ask("/explorer/data/map"), ask("/explorer/data/roles")]);
  const seen = new Map(filtered(introspection, map, roles, role()).__schema.types.map((type) => [type.name, type]));
  const types = new Map();
  for (const type of seen.values()) if (!type.name.startsWith("__")) types.set(type.name, joined(type, map, roles));
  const connections = map.connections.filter((one) => types.get(one.from)?.fields.some((field) => field.name === one.field) && types.has(one.to));
  return { types, subgraphs: map.subgraphs, connections, roles };
}

// What is shown to the editor: the schema as the chosen role would see it.
export async function asRole(schema) {
  if (!role()) return schema;
  const [map, roles] = await Promise.all([ask("/explorer/data/map"), ask("/explorer/data/roles")]);
  return filtered(schema, map, roles, role());
}

export function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  return type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
}

export function named(type) {
  return type.ofType ? named(type.ofType) : type.name;
}

// A narrower permission (`tickets:read.own`) opens the field as well, for fewer rows.
export function holds(held, wanted) {
  const [whole] = wanted.split(".");
  return held.includes(wanted) || held.includes(whole) || held.some((one) => one.startsWith(`${wanted}.`));
}

// All permissions that a field asks for, each of them a list of alternatives.
export function demands(coordinate, owned, roles) {
  const asked = (owned?.asks ?? []).filter((one) => one.scopes).map((one) => one.scopes);
  // What the graph says itself, its module need not say again.
  const needed = (roles.needs[coordinate] ?? []).filter((scope) => !asked.some((anyOf) => anyOf.every((clause) => clause.includes(scope))));
  return needed.length ? [...asked, [needed]] : asked;
}

export function mayUse(held, demanded) {
  return demanded.every((anyOf) => anyOf.some((clause) => clause.every((one) => holds(held, one))));
}

function joined(type, map, roles) {
  const owned = map.types[type.name] ?? { owners: [] };
  const fields = (type.fields ?? type.inputFields ?? []).map((field) => ({
    ...field,
    written: written(field.type),
    named: named(field.type),
    owners: owned.fields?.[field.name]?.owners ?? [],
    requires: owned.fields?.[field.name]?.requires ?? {},
    asks: owned.fields?.[field.name]?.asks ?? [],
    demands: demands(`${type.name}.${field.name}`, owned.fields?.[field.name], roles),
  }));
  return { ...type, fields, owners: owned.owners, keys: owned.keys ?? {}, isEntity: Boolean(owned.keys) };
}

function filtered(schema, map, roles, wanted) {
  const held = roles.roles[wanted]?.permissions;
  if (!held) return schema;
  const visible = (type, field) => mayUse(held, demands(`${type.name}.${field.name}`, map.types[type.name]?.fields?.[field.name], roles));
  const types = schema.__schema.types.map((type) => (type.fields ? { ...type, fields: type.fields.filter((field) => visible(type, field)) } : type));
  const reached = reachable(new Map(types.map((type) => [type.name, type])));
  const kept = types.filter((type) => reached.has(type.name) && (type.kind !== "OBJECT" || type.fields.length));
  const names = new Set(kept.map((type) => type.name));
  const left = kept.map((type) => (type.possibleTypes ? { ...type, possibleTypes: type.possibleTypes.filter(({ name }) => names.has(name)) } : type));
  const roots = Object.fromEntries(
    Object.entries(ROOTS).map(([key, name]) => [key, left.some((type) => type.name === name) ? schema.__schema[key] : null]),
  );
  return { ...schema, __schema: { ...schema.__schema, ...roots, types: left } };
}

function reachable(types) {
  const reached = new Set(["String", "Boolean"]);
  const waiting = [...Object.values(ROOTS), ...[...types.keys()].filter((name) => name.startsWith("__"))];
  while (waiting.length) {
    const type = types.get(waiting.pop());
    if (!type || reached.has(type.name)) continue;
    reached.add(type.name);
    for (const field of [...(type.fields ?? []), ...(type.inputFields ?? [])]) {
      waiting.push(named(field.type), ...(field.args ?? []).map((arg) => named(arg.type)));
    }
    for (const other of [...(type.interfaces ?? []), ...(type.possibleTypes ?? [])]) waiting.push(other.name);
  }
  // The built-in scalars belong to every schema.
  for (const name of types.keys()) if (["ID", "Int", "Float"].includes(name)) reached.add(name);
  return reached;
}

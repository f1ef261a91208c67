// What the platform offers beside the graph: REST routes from its OpenAPI, events from its AsyncAPI. Where one of them is not
// served, its part of the catalogue is empty.

import { ask } from "./transport.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

export async function rest() {
  const api = await ask("/api/v1/openapi.json").catch(() => ({}));
  const base = api.servers?.[0]?.url ?? "/api/v1";
  const routes = Object.entries(api.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => route(api, base, path, method, item)),
  );
  return { api, routes };
}

export async function events() {
  const api = await ask("/explorer/data/events").catch(() => ({}));
  const found = Object.entries(api.channels ?? {}).map(([name, channel]) => ({
    kind: "event",
    title: channel.address ?? name,
    summary: channel.description ?? "",
    tags: (channel.tags ?? []).map((tag) => tag.name),
    message: resolved(api, Object.values(channel.messages ?? {})[0] ?? {}),
  }));
  return { api, events: found };
}

// What a `$ref` within the document stands for; one that leads nowhere stands for nothing.
export function resolved(document, part) {
  let found = part;
  for (let depth = 0; found?.$ref && depth < 10; depth += 1) {
    const path = found.$ref.replace(/^#\//, "").split("/").map((one) => one.replaceAll("~1", "/").replaceAll("~0", "~"));
    found = path.reduce((inside, step) => inside?.[step], document);
  }
  return found ?? {};
}

export function typeOf(document, schema) {
  const name = schema?.$ref?.split("/").at(-1);
  if (name) return name;
  const found = resolved(document, schema);
  if (found.type === "array") return `[${typeOf(document, found.items ?? {})}]`;
  return [found.type ?? found.const ?? ""].flat().join(" | ") + (found.format ? ` (${found.format})` : "");
}

function route(api, base, path, method, item) {
  const found = item[method];
  const parameters = [...(item.parameters ?? []), ...(found.parameters ?? [])].map((one) => resolved(api, one));
  const scopes = found["x-required-scopes"] ?? [];
  return { kind: "route", title: `${method.toUpperCase()} ${path}`, method, path, address: base + path, ...found, parameters, scopes, field: found["x-graphql-field"] };
}

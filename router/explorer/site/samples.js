// The same operation in other words: `curl`, REST where it has the field, TypeScript and Python. The token stands in the environment,
// never in the text.

const NESTED = ["edges", "node", "nodes", "pageInfo", "items"];

export function curl(origin, sent) {
  const body = JSON.stringify(payload(sent), null, 2).replaceAll("'", "'\\''");
  return [`curl ${origin}/graphql`, "  -H \"Authorization: Bearer $PSA_TOKEN\"", "  -H 'Content-Type: application/json'", `  -d '${body}'`].join(" \\\n");
}

export function typescript(origin, sent) {
  return `const answer = await fetch("${origin}/graphql", {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    Authorization: \`Bearer \${process.env.PSA_TOKEN}\`,
  },
  body: JSON.stringify({
    query: ${template(sent.query)},
    variables: ${indented(JSON.stringify(sent.variables ?? {}, null, 2), 4)},
  }),
});
const { data, errors }: { data: unknown; errors?: { message: string }[] } = await answer.json();
if (errors) throw new Error(errors.map((error) => error.message).join("\\n"));
console.log(data);
`;
}

export function python(origin, sent) {
  return `import os

import httpx

QUERY = ${quoted(sent.query)}

answer = httpx.post(
    "${origin}/graphql",
    headers={"Authorization": f"Bearer {os.environ['PSA_TOKEN']}"},
    json={"query": QUERY, "variables": ${indented(literal(sent.variables ?? {}), 4)}},
)
answer.raise_for_status()
body = answer.json()
if body.get("errors"):
    raise SystemExit("\\n".join(error["message"] for error in body["errors"]))
print(body["data"])
`;
}

// One call for each root field; `text` is null for a field that REST doesn't have.
export function rest(origin, operation, routes) {
  const root = { query: "Query", mutation: "Mutation" }[operation.kind];
  return operation.selections.filter((one) => !one.name.startsWith("__")).flatMap((selection) => {
    const route = best(routes.filter((one) => one.field === `${root}.${selection.name}`), selection);
    if (!route) return [{ field: `${root ?? "Subscription"}.${selection.name}`, text: null }];
    const lists = asked(selection, root, routes);
    const left = { ...selection, selections: selection.selections.filter((one) => !lists.some((list) => list.one === one)) };
    const own = left.selections.length || !lists.length ? [{ field: route.field, text: call(origin, route, left) }] : [];
    return [...own, ...lists.map(({ one, inner }) => ({ field: inner.field, text: call(origin, inner, { ...one, args: { ...selection.args, ...one.args } }) }))];
  });
}

// A list below a thing that is asked with arguments has an address of its own: what is expanded takes none.
function asked(selection, root, routes) {
  const above = `${root}.${selection.name}.`;
  return selection.selections.filter((one) => Object.keys(one.args).length).flatMap((one) => {
    const inner = routes.find(({ field }) => field === above + one.name || field === `${above}${one.name}Connection`);
    return inner ? [{ one, inner }] : [];
  });
}

function best(found, selection) {
  const usual = found.filter((one) => !/\/(bulk|query)$/.test(one.path));
  const fits = usual.filter((one) => names(one.path).every((name) => pathValue(name, selection.args) !== undefined));
  return fits.sort((one, other) => names(other.path).length - names(one.path).length)[0] ?? usual[0] ?? null;
}

function call(origin, route, { args, selections }) {
  const path = route.address.replace(/\{(\w+)\}/g, (all, name) => encodeURIComponent(pathValue(name, args) ?? all).replaceAll("%7B", "{").replaceAll("%7D", "}"));
  const lines = ["  -H \"Authorization: Bearer $PSA_TOKEN\""];
  if (route.method === "get") {
    const query = [...filters(route, args), ...shape(route, selections)].map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`);
    return [`curl -g '${origin}${path}${query.length ? `?${query.join("&")}` : ""}'`, ...lines].join(" \\\n");
  }
  const used = new Set(names(route.path));
  const body = Object.fromEntries(Object.entries({ ...args, ...args.input, input: undefined }).filter(([name]) => name !== "input" && !used.has(name)));
  lines.push("  -H \"Idempotency-Key: $(uuidgen)\"", `  -H 'Content-Type: ${route.method === "patch" ? "application/merge-patch+json" : "application/json"}'`);
  lines.push(`  -d '${JSON.stringify(body, null, 2).replaceAll("'", "'\\''")}'`);
  return [`curl -X ${route.method.toUpperCase()} '${origin}${path}'`, ...lines].join(" \\\n");
}

function pathValue(name, args) {
  const input = args.input ?? {};
  const own = Object.keys(args).filter((one) => typeof args[one] === "string" && /id$|number$/i.test(one));
  return args[name] ?? input[name] ?? (own.length === 1 ? args[own[0]] : undefined);
}

function filters(route, args) {
  const known = new Set(route.parameters.filter((one) => one.in === "query").map((one) => one.name));
  const renamed = { first: "limit", after: "cursor", orderBy: "sort" };
  const given = Object.entries({ ...args, ...args.filter, filter: undefined }).filter(([name, value]) => value !== undefined && value !== null && name !== "filter");
  return given.flatMap(([name, value]) => {
    const found = [renamed[name], `filter[${name}]`, name].find((one) => known.has(one));
    return found ? [[found, [value].flat().map((one) => (typeof one === "object" ? JSON.stringify(one) : one)).join(",")]] : [];
  });
}

// Leaves become `fields`, what lies deeper `expand`; pages and edges are REST's own business.
function shape(route, selections) {
  const [fields, expand] = [[], []];
  const walk = (inside, prefix) => {
    for (const one of inside) {
      if (NESTED.includes(one.name)) {
        if (one.name !== "pageInfo") walk(one.selections, prefix);
      } else if (one.selections.length) {
        if (prefix.length < 3) expand.push([...prefix, one.name].join("."));
        walk(one.selections, [...prefix, one.name]);
      } else if (!one.name.startsWith("__") && one.name !== "cursor") fields.push([...prefix, one.name].join("."));
    }
  };
  walk(selections, []);
  const known = new Set(route.parameters.map((one) => one.name));
  return [["fields", fields], ["expand", expand]].filter(([name, found]) => found.length && known.has(name)).map(([name, found]) => [name, [...new Set(found)].join(",")]);
}

function payload(sent) {
  const { query, variables, operationName } = sent;
  return { query, ...(variables && Object.keys(variables).length ? { variables } : {}), ...(operationName ? { operationName } : {}) };
}

function names(path) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
}

function template(text) {
  return `\`${text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${")}\``;
}

function quoted(text) {
  return `"""\n${text.trim().replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"')}\n"""`;
}

// JSON as Python writes it.
function literal(value, depth = 0) {
  const inner = "    ".repeat(depth + 1);
  const outer = "    ".repeat(depth);
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const isList = Array.isArray(value);
  const parts = isList ? value.map((one) => literal(one, depth + 1)) : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, depth + 1)}`);
  const [open, close] = isList ? "[]" : "{}";
  return parts.length ? `${open}\n${parts.map((part) => inner + part).join(",\n")},\n${outer}${close}` : open + close;
}

function indented(text, by) {
  return text.replaceAll("\n", `\n${" ".repeat(by)}`);
}

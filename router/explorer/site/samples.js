// The same operation in other words: `curl`, REST where it has the field, TypeScript and Python. The token stands in the environment,
// never in the text.

const BEARER = '  -H "Authorization: Bearer $PSA_TOKEN"';
// Every Debian has it; `uuidgen` has to be brought.
const ONCE = '  -H "Idempotency-Key: $(date +%s%N)"';
const PLAIN = ["limit", "search"];
const NESTED = ["edges", "node", "nodes", "pageInfo", "items"];

export function curl(origin, sent) {
  const streamed = sent.streams ? ["  -N -H 'Accept: text/event-stream'"] : [];
  const body = `  -d ${shell(JSON.stringify(payload(sent), null, 2))}`;
  return [`curl ${origin}/graphql`, BEARER, "  -H 'Content-Type: application/json'", ...streamed, body].join(" \\\n");
}

export function typescript(origin, sent) {
  const { query, ...rest } = payload(sent);
  const others = Object.entries(rest).map(([name, value]) => `\n    ${name}: ${indented(JSON.stringify(value, null, 2), 4)},`);
  return `const answer = await fetch("${origin}/graphql", {
  method: "POST",
  headers: {
    "Content-Type": "application/json",${sent.streams ? '\n    Accept: "text/event-stream",' : ""}
    Authorization: \`Bearer \${process.env.PSA_TOKEN}\`,
  },
  body: JSON.stringify({
    query: ${template(query)},${others.join("")}
  }),
});
${sent.streams ? TYPESCRIPT_EVENTS : TYPESCRIPT_ANSWER}
export {};
`;
}

const TYPESCRIPT_ANSWER = `const { data, errors }: { data: unknown; errors?: { message: string }[] } = await answer.json();
if (errors) throw new Error(errors.map((error) => error.message).join("\\n"));
console.log(JSON.stringify(data, null, 2));`;

const TYPESCRIPT_EVENTS = `const decoder = new TextDecoder();
let rest = "";
for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\\r?\\n/);
  rest = lines.pop() ?? "";
  for (const line of lines) if (/^data: ?./.test(line)) console.log(JSON.parse(line.slice(5)));
}`;

// With nothing but what comes along with Python.
export function python(origin, sent) {
  const { query, ...rest } = payload(sent);
  const others = Object.entries(rest).map(([name, value]) => `, "${name}": ${literal(value)}`);
  return `import json
import os
import urllib.request

QUERY = ${quoted(query)}

request = urllib.request.Request(
    "${origin}/graphql",
    json.dumps({"query": QUERY${indented(others.join(""), 4)}}).encode(),
    {
        "Authorization": f"Bearer {os.environ['PSA_TOKEN']}",
        "Content-Type": "application/json",${sent.streams ? '\n        "Accept": "text/event-stream",' : ""}
    },
)
with urllib.request.urlopen(request) as answer:
${sent.streams ? PYTHON_EVENTS : PYTHON_ANSWER}`;
}

const PYTHON_ANSWER = `    body = json.load(answer)
if body.get("errors"):
    raise SystemExit("\\n".join(error["message"] for error in body["errors"]))
print(body["data"])
`;

const PYTHON_EVENTS = `    for line in answer:
        name, _, value = line.decode().strip().partition(":")
        if name == "data" and value.strip():
            print(json.loads(value))
`;

// One call for each root field; `text` is null for a field that REST doesn't have.
export function rest(origin, operation, routes) {
  const root = { query: "Query", mutation: "Mutation" }[operation.kind];
  return operation.selections.filter((one) => !one.name.startsWith("__")).flatMap((selection) => {
    const of = (name) => best(routes.filter((one) => one.field === `${root}.${name}`), selection);
    // A plain list has the address of its pages, as long as it is asked for no more than a page is.
    const isPlain = Object.keys(selection.args).every((name) => PLAIN.includes(name));
    const route = of(selection.name) ?? (isPlain ? of(`${selection.name}Connection`) : null);
    if (!route || filters(route, selection.args).some(([name]) => name === null)) return [{ field: `${root ?? "Subscription"}.${selection.name}`, text: null }];
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
  const path = route.address.replace(/\{(\w+)\}/g, (all, name) => encoded(pathValue(name, args) ?? all).replaceAll("%7B", "{").replaceAll("%7D", "}"));
  const lines = [BEARER];
  if (route.method === "get") {
    const query = [...filters(route, args), ...shape(route, selections)].map(([name, value]) => `${name}=${encoded(value).replaceAll("%2C", ",")}`);
    return [`curl -g '${origin}${path}${query.length ? `?${query.join("&")}` : ""}'`, ...lines].join(" \\\n");
  }
  const used = new Set(names(route.path));
  // What an input says of the command itself, headers say here.
  const { input, dryRun, clientMutationId, ...said } = { ...args, ...args.input };
  const body = Object.fromEntries(Object.entries(said).filter(([name]) => !used.has(name)));
  lines.push(clientMutationId ? `  -H ${shell(`Idempotency-Key: ${clientMutationId}`)}` : ONCE, ...(dryRun ? ["  -H 'Prefer: dry-run'"] : []));
  lines.push(`  -H 'Content-Type: ${route.method === "patch" ? "application/merge-patch+json" : "application/json"}'`);
  lines.push(`  -d ${shell(JSON.stringify(body, null, 2))}`);
  return [`curl -g -X ${route.method.toUpperCase()} '${origin}${path}'`, ...lines].join(" \\\n");
}

// A request that was made, as a line for the shell.
export function called(address, { method, headers, body }) {
  const lines = Object.entries(headers).map(([name, value]) => `  -H ${shell(`${name}: ${value}`)}`);
  const [verb, sent] = [method === "GET" ? "" : `-X ${method} `, body === undefined ? [] : [`  -d ${shell(body)}`]];
  return [`curl -g ${verb}${shell(address)}`, BEARER, ...lines, ...sent].join(" \\\n");
}

function pathValue(name, args) {
  const input = args.input ?? {};
  const own = Object.keys(args).filter((one) => typeof args[one] === "string" && /id$|number$/i.test(one));
  return args[name] ?? input[name] ?? (own.length === 1 ? args[own[0]] : undefined);
}

const RENAMED = { first: "limit", last: "limit", after: "cursor", orderBy: "sort", search: "q" };
const BOUNDS = { since: "gte", until: "lt" };

// Names and values of the address; the name is null for what this route can't be asked.
function filters(route, args) {
  if (route.method !== "get") return [];
  const known = new Set(route.parameters.filter((one) => one.in === "query").map((one) => one.name));
  const used = names(route.path).map((name) => pathValue(name, args));
  const given = Object.entries({ ...args, filter: undefined }).filter(([, value]) => !used.includes(value));
  const filtered = Object.entries(args.filter ?? {}).flatMap(([name, value]) => flat(name, value));
  return [...given.map(([name, value]) => [[RENAMED[name], `filter[${name}]`, name], value]), ...filtered]
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([candidates, value]) => [candidates.find((one) => known.has(one)) ?? null, [value].flat().join(",")]);
}

// `{ createdAt: { since } }` is `filter[createdAt][gte]`, `{ owned: [{ key }] }` is `filter[owned.key]`.
function flat(name, value) {
  const inside = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if ([inside].flat().some((one) => Array.isArray(one) || (one && typeof one === "object" && Array.isArray(inside)))) return [[[null], "…"]];
  if (!inside || typeof inside !== "object" || Array.isArray(inside)) return [[[`filter[${name}]`, name], value]];
  return Object.entries(inside).map(([key, part]) => [[`filter[${name}][${BOUNDS[key]}]`, `filter[${name}.${key}]`], part]);
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

// A single quote ends the text of a shell, and is no reserved character of an address.
function encoded(text) {
  return encodeURIComponent(text).replaceAll("'", "%27");
}

function shell(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
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

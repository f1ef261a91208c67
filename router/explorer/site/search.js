// Finds things by any words of theirs: types, fields, arguments, descriptions, events, REST routes. Ten thousand take a few
// milliseconds, because each is one line of small letters made beforehand.

const ORDER = { type: 0, field: 1, argument: 2, route: 3, event: 4, value: 5 };

export function indexed({ types, routes = [], events = [] }) {
  const found = [];
  for (const type of types.values()) {
    add(found, "type", type.name, type.name, type.description, type.owners, `map/${type.name}`);
    for (const field of type.fields) {
      const address = `map/${type.name}/${field.name}`;
      add(found, "field", `${type.name}.${field.name}`, field.name, field.description, field.owners, address);
      for (const one of field.args ?? []) add(found, "argument", `${type.name}.${field.name}(${one.name}:)`, one.name, one.description, field.owners, address);
    }
    for (const value of type.enumValues ?? []) add(found, "value", `${type.name}.${value.name}`, value.name, value.description, type.owners, `map/${type.name}`);
  }
  for (const route of routes) add(found, "route", route.title, route.title, `${route.summary} ${route.description ?? ""}`, answering(types, route.field), catalogued(route));
  for (const event of events) add(found, "event", event.title, event.title, event.summary, event.tags, catalogued(event));
  return found;
}

export function search(index, text, module = "") {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = index.filter((one) => (!module || one.owners.includes(module)) && words.every((word) => one.line.includes(word)));
  if (!words.length) return matching.filter((one) => one.kind === "type").sort((one, other) => one.own.localeCompare(other.own));
  return matching.map((one) => [rank(one, words[0]), one]).sort(([one], [other]) => one - other).map(([, one]) => one);
}

// What is called so comes before what begins so, and that before what only speaks of it.
function rank({ own, name, kind }, first) {
  const order = ORDER[kind] / 10;
  if (own === first) return order;
  if (own.startsWith(first)) return 1 + order;
  return (name.toLowerCase().includes(first) ? 2 : 3) + order;
}

function add(found, kind, name, own, description, owners, address) {
  found.push({ kind, name, own: own.toLowerCase(), owners, address, line: `${name} ${description ?? ""} ${kind}`.toLowerCase() });
}

function catalogued({ title }) {
  return `catalogue/${encodeURIComponent(title)}`;
}

// A route belongs to the modules that answer its field.
function answering(types, coordinate = "") {
  const [root, name] = coordinate.split(".");
  return types.get(root)?.fields.find((field) => field.name === name)?.owners ?? [];
}

// Finds things by any words of theirs: types, fields, descriptions, events, REST routes. Ten thousand take a few milliseconds,
// because each is one line of small letters made beforehand.

export function indexed({ types, routes = [], events = [] }) {
  const found = [];
  for (const type of types.values()) {
    add(found, "type", type.name, type.description, type.owners, `map/${type.name}`);
    for (const field of type.fields) add(found, "field", `${type.name}.${field.name}`, field.description, field.owners, `map/${type.name}`);
    for (const value of type.enumValues ?? []) add(found, "value", `${type.name}.${value.name}`, value.description, type.owners, `map/${type.name}`);
  }
  for (const route of routes) add(found, "route", route.title, `${route.summary} ${route.description ?? ""}`, [], `catalogue/${encodeURIComponent(route.title)}`);
  for (const event of events) add(found, "event", event.title, event.summary, event.tags, `catalogue/${encodeURIComponent(event.title)}`);
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
  const order = { type: 0, field: 1, route: 2, event: 3, value: 4 }[kind] / 10;
  if (own === first) return order;
  if (own.startsWith(first)) return 1 + order;
  return (name.toLowerCase().includes(first) ? 2 : 3) + order;
}

function add(found, kind, name, description, owners, address) {
  const own = name.slice(kind === "field" || kind === "value" ? name.indexOf(".") + 1 : 0).toLowerCase();
  found.push({ kind, name, own, owners, address, line: `${name} ${description ?? ""} ${kind}`.toLowerCase() });
}

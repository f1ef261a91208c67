// How the last operation was answered: its fetches as a waterfall, the time of each module, what the cache decided, and why a field
// was refused.

import { make, table } from "./elements.js";
import { mayUse, model } from "./model.js";
import { coordinate, read } from "./operation.js";
import * as runs from "./runs.js";
import { word } from "./words.js";

export async function open(host) {
  const schema = await model();
  const paint = () => host.replaceChildren(...(runs.last ? told(runs.last, schema) : [make("p", { class: "notice" }, word("noRun"))]));
  runs.listen(paint);
  return { show: paint };
}

function told(run, schema) {
  const trace = run.extensions.trace;
  return [
    ...(trace ? waterfall(run, trace.fetches) : [heading(run), make("p", { class: "quiet" }, word("data" in run.body ? "noTrace" : "notFetched"))]),
    make("h3", {}, word("refusals")),
    ...refusals(run, schema),
    ...decisions(run.extensions.apolloCacheDebugging?.data ?? []),
    ...plan(run.extensions.apolloQueryPlan?.text),
  ];
}

function waterfall(run, fetches) {
  const end = Math.max(1, ...fetches.map((one) => one.startMs + (one.durationMs ?? 0)));
  const requests = fetches.filter((one) => one.by === "request").length;
  const heads = ["module", "path", "when", "milliseconds", "entities", "how"].map((one) => word(one));
  const rows = fetches.map((one) => [one.service, one.path || "·", bar(one, end), String(one.durationMs ?? "…"), entities(one), how(one)]);
  return [
    heading(run, word("whole", Math.round(run.milliseconds), fetches.length, requests)),
    table(word("fetches"), heads, rows),
    modules(fetches),
  ];
}

function heading(run, more) {
  return make("h2", {}, run.sent.operationName ?? word("run"), " ", more ? make("small", {}, more) : null);
}

function bar(fetch, end) {
  const made = make("span", { class: `bar ${fetch.outcome === "OK" ? fetch.by : "failed"}` });
  made.style.marginInlineStart = `${(fetch.startMs / end) * 100}%`;
  made.style.width = `${Math.max(1, ((fetch.durationMs ?? 0) / end) * 100)}%`;
  const spoken = make("span", { class: "spoken" }, `${fetch.startMs} – ${(fetch.startMs + (fetch.durationMs ?? 0)).toFixed(1)} ms`);
  return make("div", { class: "lane", title: fetch.operation }, made, spoken);
}

function entities({ entities: count, places }) {
  if (!count) return "";
  return places > count ? word("spared", count, places, places - count) : String(count);
}

function how(fetch) {
  return fetch.outcome === "OK" ? word(fetch.by, fetch.bytes) : fetch.outcome;
}

function modules(fetches) {
  const sums = new Map();
  for (const one of fetches) sums.set(one.service, (sums.get(one.service) ?? 0) + (one.durationMs ?? 0));
  const rows = [...sums].sort((one, other) => other[1] - one[1]).map(([module, sum]) => [module, sum.toFixed(1)]);
  return table(word("perModule"), [word("module"), word("milliseconds")], rows);
}

function refusals(run, schema) {
  const errors = [...(run.body.errors ?? []), ...(run.extensions.authorizationErrors ?? []), ...declined(run.body.data)];
  if (!errors.length) return [make("p", { class: "quiet" }, word("noRefusals"))];
  return [make("ul", { class: "refusals" }, ...errors.map((error) => refusal(error, run, schema)))];
}

// A command that is declined says so in its payload, in the words that were asked for.
function declined(data) {
  const payloads = Object.entries(data ?? {}).filter(([, payload]) => Array.isArray(payload?.errors));
  return payloads.flatMap(([key, { errors }]) =>
    errors.map((one) => ({ message: one?.message ?? word("askForErrors"), path: [key, "errors"], extensions: { code: one?.code } })),
  );
}

function refusal(error, run, schema) {
  const code = error.extensions?.code ?? "";
  const found = error.path ? placeOf(error.path, run, schema) : null;
  const lines = [make("strong", {}, code), " ", error.message, error.path ? make("code", {}, error.path.join(".")) : null];
  if (found && /UNAUTHORIZED|FORBIDDEN/.test(code)) lines.push(...why(found, schema));
  return make("li", {}, ...lines);
}

function why({ type, field }, schema) {
  const demanded = field.demands;
  if (!demanded.length) return [];
  const asked = demanded.map((anyOf) => anyOf.map((clause) => clause.join(" + ")).join(" | ")).join("; ");
  const roles = Object.values(schema.roles.roles).filter((one) => mayUse(one.permissions, demanded)).map((one) => one.name);
  return [
    make("p", {}, make("a", { href: `#/map/${type.name}/${field.name}` }, `${type.name}.${field.name}`), " ", word("asksFor", ""), make("code", {}, asked)),
    make("p", { class: "quiet" }, word("rolesWith", roles.join(", "))),
  ];
}

function placeOf(path, run, schema) {
  try {
    const operations = read(run.sent.query, run.sent.variables ?? {});
    const operation = operations.find((one) => one.name === (run.sent.operationName ?? one.name));
    return operation ? coordinate(operation, path, schema.types) : null;
  } catch {
    return null; // the router could not read it either
  }
}

function decisions(found) {
  if (!found.length) return [make("h3", {}, word("cacheDecisions")), make("p", { class: "quiet" }, word("noCache"))];
  const rows = found.map((one) => [one.subgraphName, one.typeName, one.status, String(one.cacheControl?.maxAge ?? ""), (one.invalidationKeys ?? []).join(" ")]);
  return [table(word("cacheDecisions"), [word("module"), word("type"), "status", "max-age", "tags"], rows)];
}

function plan(text) {
  return text ? [make("h3", {}, word("plan")), make("pre", { tabindex: "0" }, text)] : [];
}

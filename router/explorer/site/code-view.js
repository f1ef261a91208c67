// Shows the operation of the editor's open tab as `curl`, REST, TypeScript and Python, ready to be copied.

import { make } from "./elements.js";
import * as memory from "./memory.js";
import * as offers from "./offers.js";
import { read } from "./operation.js";
import * as samples from "./samples.js";
import * as session from "./session.js";
import { word } from "./words.js";

export async function open(host) {
  const { routes } = await offers.rest();
  return { show: () => host.replaceChildren(...written(current(), routes)) };
}

// The tab in front; whoever closed them all gets nothing.
function current() {
  const tabs = memory.recall("tabs", []);
  const active = memory.recall("activeTab", tabs[0]?.id);
  const tab = tabs.find((one) => one.id === active) ?? tabs[0];
  const operation = memory.recall("operations", []).find((one) => one.id === tab?.data?.id);
  if (!operation?.query?.trim()) return null;
  return { query: operation.query, variables: parsed(operation.variables), ...firstOf(operation.query) };
}

// Of several operations the first is sent, by its name.
function firstOf(query) {
  try {
    const found = read(query);
    return { operationName: found.length > 1 ? found[0].name : null, streams: found[0].kind === "subscription" };
  } catch {
    return {};
  }
}

function written(sent, routes) {
  if (!sent) return [make("p", { class: "notice" }, word("noOperation"))];
  const blocks = [block("curl", samples.curl(location.origin, sent)), ...asRest(sent, routes)];
  return [token(), ...blocks, block("TypeScript", samples.typescript(location.origin, sent)), block("Python", samples.python(location.origin, sent))];
}

function asRest(sent, routes) {
  let calls;
  try {
    calls = samples.rest(location.origin, read(sent.query, sent.variables)[0], routes);
  } catch (error) {
    return [make("p", { role: "alert" }, word("unreadable", error.message))];
  }
  const known = calls.filter((one) => one.text).map((one) => one.text);
  const missing = calls.filter((one) => !one.text).map((one) => make("p", { class: "quiet" }, word("graphqlOnly", one.field)));
  return [...(known.length ? [block("REST", known.join("\n\n"), word("restHint"))] : [make("h2", {}, "REST")]), ...missing];
}

// The token itself is never shown, only copied when somebody asks for it.
function token() {
  const line = () => `export PSA_TOKEN='${session.token()}'`;
  return make("p", { class: "sample quiet" }, word("tokenHint"), " ", make("code", {}, "export PSA_TOKEN=…"), " ", copying("PSA_TOKEN", line));
}

function copying(name, text) {
  const button = make("button", { type: "button", "aria-label": `${word("copy")}: ${name}` }, word("copy"));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = word("copied");
    setTimeout(() => (button.textContent = word("copy")), 1500);
  });
  return button;
}

function block(name, text, hint) {
  const button = copying(name, () => text);
  return make("section", { class: "sample" }, make("h2", {}, name, button), hint ? make("p", { class: "quiet" }, hint) : null, make("pre", { tabindex: "0", "data-sample": name }, text));
}

function parsed(text) {
  try {
    return JSON.parse(text || "{}");
  } catch {
    return {};
  }
}

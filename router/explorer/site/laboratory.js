// The query editor: loads the laboratory, hands it the schema and the memory, and keeps its colours in step with the system.

import * as memory from "./memory.js";
import { ENDPOINT } from "./transport.js";

const FILES = new URL("laboratory/", import.meta.url);

const SEED = {
  id: "seed",
  name: "A customer with tickets and assets",
  query: `query {
  customer(id: "123") {
    name
    tickets(status: "open") {
      id
      title
      priority
    }
    assets {
      name
      type
    }
  }
}
`,
  variables: "",
  headers: "",
  extensions: "",
};

const SETTINGS = {
  fetch: { credentials: "same-origin", timeout: 30_000, useGETForQueries: false },
  // Server-sent events travel through `fetch`, and so with the token.
  subscriptions: { protocol: "SSE" },
  introspection: { method: "POST", headers: "", includeActiveOperationHeaders: false, pollSchema: false },
};

const dark = matchMedia("(prefers-color-scheme: dark)");

// Starts loading while somebody still looks for a token.
export const library = new Promise((resolve, reject) => {
  // Workers are files of ours as well: no blobs, no evaluated text.
  const workers = { graphql: "graphql.worker.js", json: "json.worker.js" };
  window.MonacoEnvironment = {
    getWorker: (_, label) => new Worker(new URL(workers[label] ?? "editor.worker.js", FILES), { name: label }),
  };
  const script = document.createElement("script");
  script.src = new URL("laboratory.js", FILES);
  script.onload = () => resolve(window.HiveLaboratory);
  script.onerror = () => reject(new Error("The query editor could not be loaded."));
  document.head.append(script);
});

export async function open(place, schema) {
  const { renderLaboratory } = await library;
  const host = document.createElement("div");
  host.className = "laboratory";
  place.replaceChildren(host);
  renderLaboratory(host, {
    theme: theme(),
    enableDocs: true,
    enableFullScreen: false,
    defaultEndpoint: location.origin + ENDPOINT,
    onEndpointChange: () => {},
    defaultSchemaIntrospection: schema,
    permissions: { preflight: { read: false, create: false, update: false, delete: false } },
    ...work(),
  });
  dark.addEventListener("change", () => recolour(host));
}

function work() {
  return {
    ...openTabs(),
    onOperationsChange: (operations) => {
      memory.stay("operations")(operations.map((operation) => ({ ...operation, headers: "" })));
      memory.passing("headers")(Object.fromEntries(operations.map(({ id, headers }) => [id, headers])));
    },
    onTabsChange: memory.stay("tabs"),
    onActiveTabIdChange: memory.stay("activeTab"),
    defaultCollections: memory.recall("collections", []),
    onCollectionsChange: memory.stay("collections"),
    defaultSettings: memory.recall("settings", SETTINGS),
    onSettingsChange: memory.stay("settings"),
    defaultEnv: memory.recall("environment", null),
    onEnvChange: memory.passing("environment"),
    defaultHistory: memory.recall("history", []),
    onHistoryChange: memory.passing("history"),
    defaultPreflight: null,
    onPreflightChange: () => {},
  };
}

// The first visit opens with a query that shows what a graph is good for.
function openTabs() {
  const tabs = memory.recall("tabs", []);
  if (tabs.length === 0) {
    const tab = { id: "seed", type: "operation", data: { id: SEED.id, name: SEED.name } };
    return { defaultOperations: [SEED], defaultTabs: [tab], defaultActiveTabId: tab.id };
  }
  const headers = memory.recall("headers", {});
  const operations = memory.recall("operations", []);
  return {
    defaultOperations: operations.map((operation) => ({ ...operation, headers: headers[operation.id] ?? "" })),
    defaultTabs: tabs,
    defaultActiveTabId: memory.recall("activeTab", tabs[0].id),
  };
}

function theme() {
  return dark.matches ? "dark" : "light";
}

// The laboratory takes its theme once. Both themes are there, though: a class switches its style, a call the editors'.
function recolour(host) {
  host.shadowRoot.querySelector(".hive-laboratory")?.classList.replace(...(dark.matches ? ["light", "dark"] : ["dark", "light"]));
  window.monaco?.editor.setTheme(`hive-laboratory-${theme()}`);
}

// The query editor: loads the laboratory, hands it the schema and the memory, and keeps its colours in step with the system.

import { finish } from "./finish.js";
import * as memory from "./memory.js";
import { ENDPOINT } from "./transport.js";
import { word } from "./words.js";

const FILES = new URL("laboratory/", import.meta.url);

const SEED = {
  id: "seed",
  name: word("seed"),
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
  fetch: { credentials: "same-origin", timeout: 0, useGETForQueries: false },
  // Server-sent events travel through `fetch`, and so with the token. A timeout would end them: the router has its own.
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
  script.onerror = () => reject(new Error(word("noEditor")));
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
  const root = await shadowOf(host);
  finish(root);
  dark.addEventListener("change", () => recolour(root));
}

// Where one writes; the builder before it has many stops for Tab.
export function focus() {
  monaco.editor.getEditors().find((one) => one.getModel()?.uri.path.startsWith("/operation"))?.focus();
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

// The first visit opens with a query that shows what a graph is good for. The editor announces only what changes, so
// this beginning is remembered here.
function openTabs() {
  if (memory.recall("tabs", []).length === 0) {
    memory.stay("tabs")([{ id: "seed", type: "operation", data: { id: SEED.id, name: SEED.name } }]);
    memory.stay("operations")([SEED]);
  }
  const tabs = memory.recall("tabs", []);
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

// The laboratory draws itself in its own time, into a shadow root of its own.
async function shadowOf(host) {
  for (;;) {
    const root = host.querySelector(".hive-laboratory-host")?.shadowRoot;
    if (root) return root;
    await new Promise(requestAnimationFrame);
  }
}

// It takes its theme once. Both themes are there, though: a class switches its style, a call the editors'.
function recolour(root) {
  const [before, after] = dark.matches ? ["light", "dark"] : ["dark", "light"];
  root.querySelector(".hive-laboratory")?.classList.replace(before, after);
  window.monaco?.editor.setTheme(`hive-laboratory-${after}`);
}

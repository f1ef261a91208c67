// The views beside the editor, each at its own address (`#/map/Customer`), made when it is first looked at.

import { make } from "./elements.js";
import { word } from "./words.js";

const VIEWS = {
  map: () => import("./map-view.js"),
  run: () => import("./run-view.js"),
  code: () => import("./code-view.js"),
  catalogue: () => import("./catalogue-view.js"),
  changes: () => import("./changes-view.js"),
};

const shown = new Map();

export function show() {
  const [, name = "query", ...rest] = location.hash.split("/").map(decodeURIComponent);
  const view = name in VIEWS ? name : "query";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === view) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
  document.getElementById("editor").hidden = view !== "query";
  const place = document.getElementById("view");
  place.hidden = view === "query";
  if (view !== "query") open(place, view, rest);
}

async function open(place, name, rest) {
  place.setAttribute("aria-label", word(name));
  if (!shown.has(name)) {
    const host = make("div", { class: `view ${name}` }, make("p", { class: "notice", role: "status" }, word("loading")));
    shown.set(name, { host, ready: begin(host, name) });
  }
  const { host, ready } = shown.get(name);
  place.replaceChildren(host);
  const view = await ready;
  if (view && place.contains(host)) view.show?.(...rest);
}

async function begin(host, name) {
  try {
    const { open: opened } = await VIEWS[name]();
    return await opened(host);
  } catch (error) {
    host.replaceChildren(make("p", { class: "notice", role: "alert" }, word("failed", error.message)));
    shown.delete(name);
    return null;
  }
}

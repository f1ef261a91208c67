// Whether the page still shows what there is: a schema that was swapped meanwhile, or a platform that is away, is said at its top.

import { make } from "./elements.js";
import * as transport from "./transport.js";
import { word } from "./words.js";

const ADDRESS = "/explorer/data/version";
const OFTEN = 20_000;

let before = null;

export async function watch(place) {
  before = await transport.ask(ADDRESS).catch(() => null);
  if (!before) return; // a server that says nothing of versions
  const look = async () => document.visibilityState === "visible" && show(place, await state());
  setInterval(look, OFTEN);
  for (const event of ["online", "offline", "focus"]) addEventListener(event, look);
  document.addEventListener("visibilitychange", look);
}

// What there is to say, if anything. A token that is no good any more is said where it is used.
async function state() {
  try {
    const answer = await transport.send(ADDRESS);
    if (answer.status >= 500) return "away";
    return answer.ok && (await answer.json()).schema !== before.schema ? "changed" : null;
  } catch {
    return "away";
  }
}

function show(place, state) {
  if (place.dataset.state === (state ?? "")) return; // what was said once is not read aloud again
  place.dataset.state = state ?? "";
  place.hidden = !state;
  place.replaceChildren();
  if (state === "away") place.append(word("away"));
  if (state === "changed") {
    place.append(word("schemaChanged"), " ", make("button", { type: "button", onclick: () => location.reload() }, word("showNew")));
  }
}

// What changed from version to version of the graph, the newest first, as far as the router remembers.

import { make, table } from "./elements.js";
import { ask } from "./transport.js";
import { language, word } from "./words.js";

const ORDER = ["breaking", "dangerous", "safe"];

export async function open(host) {
  const { versions } = await ask("/explorer/data/changes");
  host.replaceChildren(...(versions.length ? versions.map(version) : [make("p", { class: "notice" }, word("noChanges"))]));
  return {};
}

function version({ number, at, modules, changes, all }, index) {
  const when = new Date(at).toLocaleString(language);
  const counts = ORDER.map((level) => [level, changes.filter((one) => one.level === level).length]).filter(([, count]) => count);
  const badges = counts.map(([level, count]) => make("span", { class: `level ${level}` }, `${count} ${word(level)}`));
  const of = Object.entries(modules).map(([name, release]) => `${name} ${release}`).join(", ");
  const details = make("details", { open: index === 0 }, make("summary", {}, make("strong", {}, word("version", number)), ` ${when} `, ...badges), make("p", { class: "quiet" }, of));
  // Rows only when somebody looks: there may be fifty versions of five hundred changes.
  const fill = () => details.open && !details.dataset.filled && ((details.dataset.filled = "yes"), details.append(...rows(changes, all)));
  details.addEventListener("toggle", fill);
  fill();
  return details;
}

function rows(changes, all) {
  if (!changes.length) return [make("p", { class: "quiet" }, word("first"))];
  const found = changes.map((one) => [make("span", { class: `level ${one.level}` }, word(one.level)), one.coordinate || "schema", one.message]);
  const rest = all > changes.length ? [make("p", { class: "quiet" }, word("more", all - changes.length))] : [];
  return [table(word("changes"), [word("level"), word("coordinate"), word("what")], found), ...rest];
}

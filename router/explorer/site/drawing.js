// Draws how entities connect: a column for each module, an entity in it, a curve for each field that leads to another. Of a graph
// too large for one picture it draws an entity and its neighbours.

import { draw, make } from "./elements.js";
import { word } from "./words.js";

const WIDTH = 172;
const HEIGHT = 28;
const GAP = { x: 70, y: 14 };
const TOP = 34;
const MOST = 60;

export function drawing(types, connections, chosen, open) {
  const names = among(types, connections, chosen);
  const lines = connections.filter((one) => names.has(one.from) && names.has(one.to) && one.from !== one.to);
  const columns = arranged([...names].map((name) => types.get(name)));
  const places = new Map(columns.flatMap(({ found }, x) => found.map((type, y) => [type.name, { x, y }])));
  const rows = Math.max(1, ...columns.map(({ found }) => found.length));
  const size = { width: columns.length * (WIDTH + GAP.x), height: TOP + rows * (HEIGHT + GAP.y) };
  const svg = draw("svg", { viewBox: `0 0 ${size.width} ${size.height}`, width: size.width, height: size.height, role: "group", "aria-label": word("drawing") });
  svg.append(
    ...columns.map(({ module }, x) => draw("text", { class: "module", x: left(x), y: 16, "data-module": x % 6 }, module)),
    ...lines.map((line) => curve(line, places)),
    ...[...places].map(([name, place]) => node(types.get(name), place, lines, name === chosen, open)),
  );
  steer(svg, places, chosen);
  return make("div", { class: "drawing" }, svg);
}

function among(types, connections, chosen) {
  const entities = [...types.values()].filter((type) => type.isEntity && type.fields.length).map((type) => type.name);
  const connected = new Set(connections.flatMap((one) => [one.from, one.to]));
  const near = connections.filter((one) => one.from === chosen || one.to === chosen).flatMap((one) => [one.from, one.to]);
  if (entities.length > MOST && near.length) return new Set(near.slice(0, MOST));
  return new Set(entities.filter((name) => connected.has(name) || entities.length <= MOST / 2).slice(0, MOST));
}

// An entity stands with the module that gives it most of its fields.
function arranged(found) {
  const columns = new Map();
  for (const type of found) {
    const counts = new Map();
    for (const owner of type.fields.flatMap((field) => field.owners)) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    const module = [...counts].sort((one, other) => other[1] - one[1])[0]?.[0] ?? type.owners[0] ?? "";
    columns.set(module, [...(columns.get(module) ?? []), type]);
  }
  return [...columns].sort().map(([module, inside]) => ({ module, found: inside }));
}

function node(type, place, lines, isChosen, open) {
  const targets = [...new Set(lines.filter((one) => one.from === type.name).map((one) => one.to))];
  const label = [type.name, word("ownedBy", type.owners.join(", ")), targets.length ? word("leadsTo", targets.join(", ")) : null];
  const group = draw(
    "g",
    { class: isChosen ? "node chosen" : "node", role: "button", tabindex: "-1", "data-name": type.name, "aria-label": label.filter(Boolean).join("; "), "aria-pressed": String(isChosen) },
    draw("rect", { x: left(place.x), y: top(place.y), width: WIDTH, height: HEIGHT, rx: 6, "data-module": place.x % 6 }),
    draw("text", { x: left(place.x) + 10, y: top(place.y) + 19 }, type.name.length > 20 ? `${type.name.slice(0, 19)}…` : type.name),
    draw("title", {}, label.filter(Boolean).join("\n")),
  );
  group.addEventListener("click", () => open(type.name));
  return group;
}

function curve({ from, to, field }, places) {
  const [start, end] = [places.get(from), places.get(to)];
  const forward = end.x > start.x;
  const x1 = left(start.x) + (forward || start.x === end.x ? WIDTH : 0);
  const x2 = left(end.x) + (forward ? 0 : WIDTH);
  const [y1, y2] = [top(start.y) + HEIGHT / 2, top(end.y) + HEIGHT / 2];
  const bend = start.x === end.x ? GAP.x / 2 : (x2 - x1) / 2;
  const path = `M${x1} ${y1} C${x1 + bend} ${y1} ${start.x === end.x ? x2 + bend : x2 - bend} ${y2} ${x2} ${y2}`;
  return draw("path", { d: path, "data-from": from, "data-to": to }, draw("title", {}, `${from}.${field} → ${to}`));
}

// One stop for Tab; from there the arrow keys go where they point.
function steer(svg, places, chosen) {
  const byName = new Map([...svg.querySelectorAll(".node")].map((one) => [one.dataset.name, one]));
  const entry = byName.get(chosen) ?? [...byName.values()][0];
  entry?.setAttribute("tabindex", "0");
  const mark = (name) => {
    for (const line of svg.querySelectorAll("path")) line.classList.toggle("lit", line.dataset.from === name || line.dataset.to === name);
  };
  if (places.has(chosen)) mark(chosen);
  svg.addEventListener("focusin", (event) => mark(event.target.closest(".node")?.dataset.name));
  svg.addEventListener("pointerover", (event) => event.target.closest(".node") && mark(event.target.closest(".node").dataset.name));
  svg.addEventListener("keydown", (event) => {
    const from = event.target.closest(".node");
    if (!from) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      from.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    }
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = byName.get(nearest(places, places.get(from.dataset.name), step));
    if (!next) return;
    from.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
}

function nearest(places, { x, y }, [right, down]) {
  const wanted = { x: x + right, y: y + down };
  const found = [...places].filter(([, one]) => one.x === wanted.x && (right !== 0 || one.y === wanted.y));
  return found.sort(([, one], [, other]) => Math.abs(one.y - wanted.y) - Math.abs(other.y - wanted.y))[0]?.[0];
}

const left = (x) => x * (WIDTH + GAP.x) + 10;
const top = (y) => TOP + y * (HEIGHT + GAP.y);

// A list of any length that stays quick: only the rows in sight are elements. Arrow keys move, Enter chooses; screen readers
// hear the place of a row among all (`aria-setsize`), though the others are not there.

import { make } from "./elements.js";

const ROW = 30;
const SPARE = 6;

export function list(label, show, choose) {
  const inside = make("div", { class: "rows" });
  const host = make("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": label }, inside);
  const id = `list-${crypto.randomUUID().slice(0, 8)}`;
  let items = [];
  let active = 0;

  function paint() {
    const first = Math.max(0, Math.floor(host.scrollTop / ROW) - SPARE);
    const last = Math.min(items.length, Math.ceil((host.scrollTop + host.clientHeight) / ROW) + SPARE);
    inside.style.height = `${items.length * ROW}px`;
    inside.replaceChildren(...items.slice(first, last).map((item, index) => row(item, first + index)));
    host.setAttribute("aria-activedescendant", items.length ? `${id}-${active}` : "");
  }

  function row(item, index) {
    const attributes = { id: `${id}-${index}`, role: "option", class: "row", "aria-selected": String(index === active) };
    const place = { "aria-setsize": items.length, "aria-posinset": index + 1 };
    const made = make("div", { ...attributes, ...place, onclick: () => pick(index) }, ...show(item));
    made.style.top = `${index * ROW}px`;
    return made;
  }

  function move(to) {
    active = Math.min(items.length - 1, Math.max(0, to));
    const top = active * ROW;
    if (top < host.scrollTop) host.scrollTop = top;
    if (top + ROW > host.scrollTop + host.clientHeight) host.scrollTop = top + ROW - host.clientHeight;
    paint();
  }

  function pick(index) {
    move(index);
    if (items[active]) choose(items[active]);
  }

  const page = () => Math.max(1, Math.floor(host.clientHeight / ROW) - 1);
  const keys = {
    ArrowDown: () => move(active + 1),
    ArrowUp: () => move(active - 1),
    PageDown: () => move(active + page()),
    PageUp: () => move(active - page()),
    Home: () => move(0),
    End: () => move(items.length - 1),
    Enter: () => pick(active),
  };
  host.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  host.addEventListener("scroll", paint, { passive: true });
  new ResizeObserver(paint).observe(host);

  return {
    element: host,
    fill(found) {
      items = found;
      active = 0;
      host.scrollTop = 0;
      paint();
    },
    // What is shown beside the list is marked in it, wherever one came from.
    mark(...wanted) {
      const index = wanted.some((is) => items[active] && is(items[active])) ? active : wanted.map((is) => items.findIndex(is)).find((one) => one >= 0);
      if (index !== undefined) move(index);
    },
    pick,
  };
}

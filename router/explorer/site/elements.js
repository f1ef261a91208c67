// Makes elements of the page: `make("p", { class: "quiet" }, "text", child)`. Text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";

export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

// Descriptions put names between backticks.
export function prose(text) {
  return (text ?? "").split(/`([^`]+)`/).map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

// A heading with a table below it; `rows` are lists of texts or elements.
export function table(caption, heads, rows) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map((row) => make("tr", {}, ...row.map((cell, index) => make(index ? "td" : "th", index ? {} : { scope: "row" }, cell))));
  return scrolling(caption, make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body)));
}

// What is too wide for its place can be moved with the arrow keys, and only then does Tab stop there.
function scrolling(label, content) {
  const place = make("div", { class: "scroll", role: "group", "aria-label": label }, content);
  new ResizeObserver(() => {
    if (place.scrollWidth > place.clientWidth) place.setAttribute("tabindex", "0");
    else place.removeAttribute("tabindex");
  }).observe(place);
  return place;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

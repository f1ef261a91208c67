// Finishes the laboratory's controls for this page: buttons that only show a picture get a name for screen readers, and
// scripts that run before a request disappear, because the page's policy lets no text be evaluated as code. And whoever
// chooses a result of the documentation's search sees it, instead of the results that would stay in front of it.

const NAMES = {
  "lucide-folders": "Collections",
  "lucide-history": "History",
  "lucide-book-open": "Documentation",
  "lucide-settings": "Settings",
  "lucide-chevron-left": "Back",
  "lucide-copy-minus": "Collapse all",
  "lucide-panel-left-close": "Maximise the response",
  "lucide-panel-left-open": "Show the operation again",
};
const NAMELESS = "button:not([aria-label]), [role=checkbox]:not([aria-label])";
const PREFLIGHT = "[role=menuitem], [cmdk-item]";

export function finish(root) {
  const style = new CSSStyleSheet();
  style.replaceSync(`
    [aria-label$=" preflight"] { display: none !important; }
    /* The number of a last, empty line can be read, too. */
    .line-numbers.dimmed-line-number { color: var(--vscode-editorLineNumber-foreground) !important; opacity: 1 !important; }
  `);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, style];
  root.addEventListener("click", (event) => showChosen(root, event.target.closest("button")));

  // The laboratory draws again and again; once per frame is often enough to follow.
  let planned = false;
  const follow = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      root.querySelectorAll(NAMELESS).forEach(name);
      root.querySelectorAll(PREFLIGHT).forEach(hidePreflight);
    });
  };
  new MutationObserver(follow).observe(root, { childList: true, subtree: true });
  follow();
}

function name(button) {
  if (button.getAttribute("role") === "checkbox") return button.setAttribute("aria-label", button.parentElement.textContent.trim() || "Field");
  if (button.textContent.trim()) return;
  const picture = [...(button.querySelector("svg")?.classList ?? [])].find((one) => one in NAMES);
  if (picture) button.setAttribute("aria-label", NAMES[picture]);
}

function hidePreflight(item) {
  item.hidden = /preflight/i.test(item.textContent);
  if (item.hidden) item.style.display = "none";
}

function showChosen(root, button) {
  const search = root.querySelector("input[placeholder='Search the schema']");
  if (!button || !search?.value || !search.closest("[data-panel]")?.contains(button)) return;
  // React watches the setter of an input, so the value is set beneath it and the change announced.
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(search, "");
  search.dispatchEvent(new Event("input", { bubbles: true }));
}

// Finishes the laboratory's controls for this page: buttons that only show a picture get a name for screen readers, keys that run
// something are told, and scripts that run before a request disappear, because the page's policy lets no text be evaluated as code. And whoever
// chooses a result of the documentation's search sees it, instead of the results that would stay in front of it.

import { translate } from "./editor-words.js";

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
const RUN = "button:not([aria-keyshortcuts]):has(> .lucide-play)";
const EDGE = "[role=separator]:not([aria-label])";
const PREFLIGHT = "[role=menuitem], [cmdk-item]";

const STYLE = `
  [aria-label$=" preflight"] { display: none !important; }
  /* The plan is shown with the last run, and not sent where the answer is read. */
  [role="tab"][id$="-trigger-query-plan"] { display: none !important; }
  /* The number of a last, empty line can be read, too. */
  .line-numbers.dimmed-line-number { color: var(--vscode-editorLineNumber-foreground) !important; opacity: 1 !important; }
  /* A finger needs 24 pixels. */
  button[class~="has-[>svg]:p-0"] { min-width: 24px; min-height: 24px; }
  /* Where one is must be seen. */
  :is(a, button, input, [role="button"], [role="separator"], [role="tabpanel"], [role="switch"], [role="checkbox"], [role="option"], [role="menuitem"], [tabindex="0"]):focus-visible {
    outline: 2px solid #0f766e !important;
    outline-offset: -2px !important;
  }
  .monaco-editor:focus-within { outline: 2px solid #0f766e; outline-offset: -2px; }
  .dark :focus-visible, .dark .monaco-editor:focus-within { outline-color: #2dd4bf !important; }
  /* On white its colours are too faint to read. */
  .light .text-amber-400 { color: #8a5300; }
  .light .text-rose-400 { color: #b8243f; }
  .light .text-teal-400 { color: #0b6b62; }
  .light .text-green-500 { color: #0f6b34; }
  .light .text-red-500 { color: #b42318; }
  .dark .text-green-500 { color: #4ade80; }
  .dark .text-red-500 { color: #ff8a7a; }
  /* Where three columns have no room, they stand below each other: what is asked, what came back, the builder. */
  @media (width < 900px) {
    [data-panel-group-direction="horizontal"][data-panel-group] { overflow: auto !important; }
    [data-panel]:not(:last-child) { flex: 0 0 240px !important; }
    [data-panel]:last-child { flex: 1 0 320px !important; }
    [data-panel] [data-panel-group-direction="horizontal"][data-panel-group] { flex-direction: column !important; }
    [data-panel] [data-panel-group-direction="horizontal"] > [data-panel] { flex: none !important; height: max(75%, 340px); }
    [data-panel] [data-panel-group-direction="horizontal"] > [data-panel]:first-child { order: 1; border-top: 1px solid var(--border); }
    [data-panel] [data-panel-group-direction="horizontal"] > [data-panel]:last-child { border-top: 1px solid var(--border); }
    [data-panel] [data-panel-group-direction="horizontal"] > [role="separator"] { display: none; }
  }
  @media (width < 480px) {
    [data-panel] [data-panel] span.text-base.font-medium { display: none; }
  }
  @media (prefers-reduced-motion: reduce) {
    *, ::before, ::after { animation-duration: 0.01ms !important; transition-duration: 0.01ms !important; }
  }
`;

export function finish(root) {
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, style];
  root.addEventListener("click", (event) => showChosen(root, event.target.closest("button")));
  leaveByKeys(root);
  tickByKeys(root);

  // The laboratory draws again and again; once per frame is often enough to follow.
  let planned = false;
  const follow = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      root.querySelectorAll(NAMELESS).forEach(name);
      root.querySelectorAll(PREFLIGHT).forEach(hidePreflight);
      root.querySelectorAll(EDGE).forEach((edge) => edge.setAttribute("aria-label", "Resize"));
      root.querySelectorAll(RUN).forEach(tellKeys);
    });
  };
  new MutationObserver(follow).observe(root, { childList: true, subtree: true });
  follow();
  translate(root);
}

// In a text editor Tab writes a tab. After Escape it goes on to what comes next, until one comes back.
function leaveByKeys(root) {
  const writing = () => monaco.editor.getEditors().find((one) => !one.getOption(monaco.editor.EditorOption.readOnly));
  const tabLeaves = (wanted) => {
    const editor = writing();
    if (editor && editor.getOption(monaco.editor.EditorOption.tabFocusMode) !== wanted) editor.trigger("keys", "editor.action.toggleTabFocusMode");
  };
  root.addEventListener("keydown", (event) => {
    const inside = event.target.closest?.(".monaco-editor");
    if (inside && event.key === "Escape" && !inside.querySelector(".suggest-widget.visible, .find-widget.visible, .parameter-hints-widget.visible")) tabLeaves(true);
  }, true);
  root.addEventListener("focusout", (event) => event.target.closest(".monaco-editor") && !event.relatedTarget?.closest(".monaco-editor") && setTimeout(tabLeaves, 0, false));
}

// A row of the builder is one button with a box to tick inside: Enter opens it, the space bar ticks the box.
function tickByKeys(root) {
  for (const kind of ["keydown", "keyup"]) {
    root.addEventListener(kind, (event) => {
      const box = event.key === " " && event.target.matches?.("button") && event.target.querySelector("[role=checkbox]:not([disabled])");
      if (!box) return;
      event.preventDefault();
      if (kind === "keydown") box.click();
    });
  }
}

function name(button) {
  if (button.getAttribute("role") === "checkbox") return button.setAttribute("aria-label", button.parentElement.textContent.trim() || "Field");
  if (button.textContent.trim()) return;
  const picture = [...(button.querySelector("svg")?.classList ?? [])].find((one) => one in NAMES);
  if (picture) button.setAttribute("aria-label", NAMES[picture]);
}

function tellKeys(button) {
  button.setAttribute("aria-keyshortcuts", "Control+Enter");
  button.title = "Ctrl+Enter";
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

// The page's words in English and German: what the browser prefers, until somebody chooses.

import * as memory from "./memory.js";
import { DE, EN } from "./dictionary.js";

const LANGUAGES = { en: EN, de: DE };

export const language = chosen();

export function word(name, ...values) {
  const text = LANGUAGES[language][name] ?? EN[name];
  return values.reduce((so_far, value) => so_far.replace("%", value), text);
}

export function choose(wanted) {
  memory.stay("language")(wanted);
  location.reload();
}

// Elements say by `data-word` what they are called, so that the page reads well before any of this has run.
export function translate() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
}

function chosen() {
  const kept = memory.recall("language", null);
  if (kept in LANGUAGES) return kept;
  return navigator.language.startsWith("de") ? "de" : "en";
}

// The laboratory speaks English. Where the page speaks German, its words are replaced as it draws them; what the schema, the
// operations and the answers say is left alone.

import { language } from "./words.js";

const NOT_OURS = ".monaco-editor, .font-mono, style, [data-foreign]";
const SAID = ["placeholder", "aria-label", "title"];

const GERMAN = {
  Builder: "Baukasten",
  Operation: "Operation",
  Query: "Abfrage",
  Mutation: "Änderung",
  Subscription: "Abonnement",
  "Search fields": "Felder suchen",
  "Enter endpoint": "Adresse eingeben",
  "Reload schema": "Schema neu laden",
  "Introspecting…": "Schema wird gelesen …",
  "Collapse all": "Alle zuklappen",
  Tree: "Baum",
  List: "Liste",
  "Search fields to switch between tree and list": "Nach einer Suche lässt sich zwischen Baum und Liste wechseln",
  "Introspection settings": "Einstellungen zum Schema",
  Save: "Speichern",
  "Save operation": "Operation speichern",
  Share: "Teilen",
  Run: "Ausführen",
  Stop: "Anhalten",
  "Copy as cURL": "Als cURL kopieren",
  "cURL command copied to clipboard": "cURL-Befehl in die Zwischenablage kopiert",
  "Operation copied to clipboard": "Operation in die Zwischenablage kopiert",
  "Share with variables": "Mit Variablen teilen",
  "Share with variables and extensions": "Mit Variablen und Erweiterungen teilen",
  "Share with variables, extensions, headers": "Mit Variablen, Erweiterungen und Headern teilen",
  Variables: "Variablen",
  Headers: "Header",
  Extensions: "Erweiterungen",
  Response: "Antwort",
  Answers: "Antworten",
  responses: "Antworten",
  "Maximise the response": "Antwort vergrößern",
  "Show the operation again": "Operation wieder zeigen",
  "Maximize panel": "Bereich vergrößern",
  "Minimize panel": "Bereich verkleinern",
  "No response available yet. Run your operation to see the response here.": "Noch keine Antwort. Führen Sie die Operation aus, um sie hier zu sehen.",
  "No response yet": "Noch keine Antwort",
  "Not listening": "Hört nicht zu",
  Listening: "Hört zu",
  "Add operation": "Neue Operation",
  "No operation selected": "Keine Operation gewählt",
  "You haven't selected any operation yet. Get started by selecting an operation or add a new one.": "Wählen Sie eine Operation, oder legen Sie eine neue an.",
  "No endpoint selected": "Keine Adresse gewählt",
  Close: "Schließen",
  Resize: "Größe ändern",
  "Ctrl+Enter": "Strg+Eingabe",
  "Close other": "Andere schließen",
  "Close all": "Alle schließen",
  Collections: "Sammlungen",
  Collection: "Sammlung",
  "No collections yet": "Noch keine Sammlungen",
  "You haven't created any collections yet. Get started by adding your first collection.": "Legen Sie eine Sammlung an, um Operationen aufzuheben.",
  "Add collection": "Sammlung anlegen",
  "Add a new collection of operations to your laboratory.": "Eine neue Sammlung für Operationen anlegen.",
  "Enter name of the collection": "Name der Sammlung",
  "New collection name": "Name der neuen Sammlung",
  "Save to collection": "In einer Sammlung speichern",
  "Save operation to collection": "Operation in einer Sammlung speichern",
  "Save the current operation to a collection.": "Die Operation in einer Sammlung aufheben.",
  "Select collection": "Sammlung wählen",
  "Search...": "Suchen …",
  Name: "Name",
  Cancel: "Abbrechen",
  Submit: "Absenden",
  Clear: "Leeren",
  Back: "Zurück",
  History: "Verlauf",
  "No history yet": "Noch kein Verlauf",
  "You haven't run any operations yet. Get started by running your first operation.": "Hier steht, was Sie ausgeführt haben.",
  "Are you sure you want to delete all history?": "Den ganzen Verlauf löschen?",
  "All history will be permanently deleted.": "Der ganze Verlauf wird endgültig gelöscht.",
  "Are you sure you want to delete history?": "Diesen Eintrag löschen?",
  "This history operation will be permanently deleted.": "Dieser Eintrag des Verlaufs wird endgültig gelöscht.",
  "Are you sure you want to delete collection?": "Diese Sammlung löschen?",
  "Are you sure you want to delete operation?": "Diese Operation löschen?",
  Delete: "Löschen",
  "Delete all": "Alles löschen",
  "Delete collection": "Sammlung löschen",
  "Delete history": "Eintrag löschen",
  "Delete operation": "Operation löschen",
  Edit: "Bearbeiten",
  "Edit collection": "Sammlung bearbeiten",
  "No collections found matching your search.": "Keine Sammlung passt zur Suche.",
  "No results found": "Nichts gefunden",
  "No results found.": "Nichts gefunden.",
  "No matches": "Nichts gefunden",
  "No schema yet": "Noch kein Schema",
  Loading: "Wird geladen",
  Operations: "Operationen",
  "Run operation": "Operation ausführen",
  "Show details": "Einzelheiten",
  "Type a command or search...": "Befehl oder Suche …",
  "Open Environment Variables": "Umgebungsvariablen öffnen",
  Saved: "Gespeichert",
  "Collection is required": "Eine Sammlung ist nötig",
  Documentation: "Dokumentation",
  "Search the schema": "Schema durchsuchen",
  "Root types": "Wurzeltypen",
  Fields: "Felder",
  Types: "Typen",
  Arguments: "Argumente",
  Type: "Typ",
  "Enum values": "Werte",
  "Possible types": "Mögliche Typen",
  Implements: "Implementiert",
  Deprecated: "Veraltet",
  "Open in Docs": "In der Dokumentation zeigen",
  Settings: "Einstellungen",
  "Environment Variables": "Umgebungsvariablen",
  "Command Palette": "Befehle",
  "Command Palette...": "Befehle …",
  "Search for a command to run...": "Befehl suchen …",
  "Update endpoint": "Adresse ändern",
  "Update the endpoint of your laboratory.": "Die Adresse ändern, an die Operationen gehen.",
  Fetch: "Anfragen",
  "Configure the fetch options for the laboratory.": "Wie Operationen gesendet werden.",
  Credentials: "Anmeldedaten",
  "Select credentials": "Anmeldedaten wählen",
  Include: "Immer",
  Omit: "Nie",
  "Same-origin": "Gleicher Ursprung",
  Timeout: "Zeitgrenze",
  "Use GET for queries": "Abfragen mit GET senden",
  Subscriptions: "Abonnements",
  "Configure the subscriptions options for the laboratory.": "Wie Abonnements gesendet werden.",
  Protocol: "Protokoll",
  "Select protocol": "Protokoll wählen",
  Introspection: "Schema lesen",
  "Configure the introspection options for the laboratory.": "Wie das Schema gelesen wird.",
  Method: "Methode",
  "Select method": "Methode wählen",
  "Poll for schema changes": "Regelmäßig nach einem neuen Schema sehen",
  "Include active operation headers": "Header der offenen Operation mitsenden",
  "Active operation (tab) headers will be included in the introspection query": "Die Header der offenen Operation gehen mit, wenn das Schema gelesen wird",
};

export function translate(root) {
  if (language !== "de") return;
  new MutationObserver((changes) => changes.forEach(follow)).observe(root, { childList: true, characterData: true, attributeFilter: SAID, subtree: true });
  all(root);
}

function follow({ type, target, addedNodes }) {
  if (type === "childList") for (const node of addedNodes) node.nodeType === Node.TEXT_NODE ? text(node) : all(node);
  else if (type === "characterData") text(target);
  else attributes(target);
}

function all(place) {
  if (!place.querySelectorAll || place.closest?.(NOT_OURS)) return;
  if (place instanceof Element) attributes(place);
  for (const element of place.querySelectorAll(SAID.map((one) => `[${one}]`).join())) attributes(element);
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) text(walker.currentNode);
}

function text(node) {
  const found = inGerman(node.data);
  if (found && !node.parentElement?.closest(NOT_OURS)) node.data = found;
}

function attributes(element) {
  if (element.closest(NOT_OURS)) return;
  for (const name of SAID) {
    const found = inGerman(element.getAttribute(name) ?? "");
    if (found) element.setAttribute(name, found);
  }
}

function inGerman(said) {
  const known = GERMAN[said.trim()];
  if (known) return known === said ? null : known;
  const more = /^Show more \((\d+)\)$/.exec(said);
  return more ? `Mehr zeigen (${more[1]})` : null;
}

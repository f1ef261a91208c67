// The developers' page: sign in, or bring a token, then explore.

import * as laboratory from "./laboratory.js";
import * as memory from "./memory.js";
import * as session from "./session.js";
import * as signin from "./signin.js";
import * as transport from "./transport.js";

const part = (id) => document.getElementById(id);
const panel = part("sign-in");

transport.install(() => ask("The platform no longer accepts your token. It may have expired: get a fresh one."));
part("sign-in-form").addEventListener("submit", submit);
part("sign-in-here").addEventListener("click", leave);
part("show-token").addEventListener("click", showOrHide);
part("change-token").addEventListener("click", () => ask());
part("sign-out").addEventListener("click", signOut);
part("cancel").addEventListener("click", () => panel.close());
panel.addEventListener("close", () => {
  // Until a token opened the editor there is nothing behind the panel, whatever key closed it.
  if (document.body.dataset.state === "starting") ask(part("token-problem").textContent);
});
addEventListener("hashchange", arrive);
arrive();

async function arrive() {
  const brought = session.takeFromAddress() ?? (await signin.finish());
  const token = brought ?? session.token();
  if (!token) return ask();
  say("Loading the schema …");
  const problem = await enter(token);
  if (problem) ask(problem);
}

async function leave() {
  const problem = await signin.begin();
  if (problem) ask(problem);
}

async function submit(event) {
  event.preventDefault();
  const button = part("submit-token");
  button.disabled = true;
  const problem = await enter(session.clean(part("token").value));
  button.disabled = false;
  if (problem) ask(problem);
}

// Another token may see another schema. The work is remembered, so the page simply starts again with the new one.
async function enter(token) {
  const { schema, problem } = await transport.introspect(token);
  if (problem) return problem;
  session.keep(token);
  if (isReady()) return location.reload();
  document.body.dataset.state = "opening";
  part("token").value = "";
  panel.close();
  part("account").textContent = session.owner(token);
  say("Loading the query editor …");
  try {
    await laboratory.open(part("editor"), schema);
  } catch (error) {
    return say(error.message);
  }
  document.body.dataset.state = "ready";
}

function ask(problem = "") {
  part("token-problem").textContent = problem;
  part("token").setAttribute("aria-invalid", String(problem !== ""));
  part("cancel").hidden = !isReady();
  say("");
  if (!panel.open) panel.showModal();
  part("token").focus();
}

function signOut() {
  session.forget();
  memory.forgetPassing();
  location.reload();
}

function showOrHide() {
  const hidden = part("token").type === "password";
  part("token").type = hidden ? "text" : "password";
  part("show-token").setAttribute("aria-pressed", String(hidden));
  part("show-token").textContent = hidden ? "Hide" : "Show";
}

function isReady() {
  return document.body.dataset.state === "ready";
}

function say(text) {
  const progress = part("progress");
  if (progress) progress.textContent = text; // gone once the editor is there
}

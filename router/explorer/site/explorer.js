// The developers' page: sign in, or bring a token, then explore.

import { make } from "./elements.js";
import * as freshness from "./freshness.js";
import * as laboratory from "./laboratory.js";
import * as memory from "./memory.js";
import * as model from "./model.js";
import * as session from "./session.js";
import * as signin from "./signin.js";
import * as transport from "./transport.js";
import * as views from "./views.js";
import * as words from "./words.js";

const part = (id) => document.getElementById(id);
const panel = part("sign-in");

words.translate();
transport.install(() => ask(words.word("tokenRefused")));
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
addEventListener("hashchange", () => (isReady() && location.hash.startsWith("#/") ? views.show() : arrive()));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view
  part("content").focus();
});
part("to-editor").addEventListener("click", () => setTimeout(laboratory.focus));
part("language").value = words.language;
part("language").addEventListener("change", () => words.choose(part("language").value));
part("role").addEventListener("change", () => lookAs(part("role").value));
arrive();

async function arrive() {
  const link = session.takeFromAddress();
  const { token: signedIn, problem: refused } = link ? {} : await signin.finish();
  const token = link ?? signedIn ?? session.token();
  if (!token || refused) return ask(refused);
  say(words.word("loadingSchema"));
  const problem = await enter(token);
  // After a while the token has run out, and signing in may hold still.
  const stillNot = problem && ((await signin.renew()) ? await enter(session.token()) : problem);
  if (stillNot) ask(stillNot);
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
  sayWho();
  addEventListener("token", sayWho);
  say(words.word("loadingEditor"));
  try {
    model.use(schema);
    await laboratory.open(part("editor"), await seen(schema));
  } catch (error) {
    return say(error.message);
  }
  document.body.dataset.state = "ready";
  views.show();
  freshness.watch(part("freshness"));
}

// Where the roles can't be had, everything is shown as it is.
async function seen(schema) {
  const roles = await transport.ask("/explorer/data/roles").catch(() => null);
  if (!roles) return schema;
  part("role").append(...Object.entries(roles.roles).map(([key, { name }]) => make("option", { value: key }, name)));
  part("role").value = model.role() ?? "";
  part("as-role").hidden = !model.role();
  part("as-role").textContent = words.word("asRole", roles.roles[model.role()]?.name ?? "");
  return model.asRole(schema);
}

function lookAs(role) {
  memory.passing("role")(role || null);
  location.reload();
}

function ask(problem = "") {
  part("token-problem").textContent = problem;
  part("token").setAttribute("aria-invalid", String(problem !== ""));
  part("cancel").hidden = !isReady();
  say("");
  if (!panel.open) panel.showModal();
  part(part("token").value ? "token" : "sign-in-here").focus();
}

async function signOut() {
  const goOn = (await signin.end()) || (() => location.reload());
  session.forget();
  memory.forgetPassing();
  goOn();
}

function sayWho() {
  part("account").textContent = session.owner(session.token(), signin.person());
}

function showOrHide() {
  const hidden = part("token").type === "password";
  part("token").type = hidden ? "text" : "password";
  part("show-token").setAttribute("aria-pressed", String(hidden));
  part("show-token").textContent = words.word(hidden ? "hide" : "show");
}

function isReady() {
  return document.body.dataset.state === "ready";
}

function say(text) {
  const progress = part("progress");
  if (progress) progress.textContent = text; // gone once the editor is there
}

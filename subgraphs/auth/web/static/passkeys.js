// Passkeys need a script: it asks the browser for a key, and sends the answer with the form that it stands in.
"use strict";

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

async function created(options) {
  const key = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    },
  });
  const { clientDataJSON, attestationObject } = key.response;
  return answer(key, { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) });
}

async function shown(options) {
  const key = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: known(options.allowCredentials) },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = key.response;
  return answer(key, {
    clientDataJSON: text(clientDataJSON),
    authenticatorData: text(authenticatorData),
    signature: text(signature),
    userHandle: userHandle ? text(userHandle) : null,
  });
}

function answer(key, response) {
  return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    const ask = form.dataset.passkey === "create" ? created : shown;
    try {
      form.elements.answer.value = await ask(JSON.parse(form.dataset.options));
      form.submit();
    } catch (error) {
      form.querySelector(".problem").hidden = false;
    }
  });
}

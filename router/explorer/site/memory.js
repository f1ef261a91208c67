// What the browser remembers of the work done here, and for how long.
//
// Documents, open tabs, collections and settings stay (localStorage). Answers hold the customers' data, and environment
// values and headers may hold secrets: they live as long as the browser tab (sessionStorage), and go when one signs out.

const PREFIX = "psa-explorer:";

export function recall(name, otherwise) {
  const stored = localStorage.getItem(PREFIX + name) ?? sessionStorage.getItem(PREFIX + name);
  try {
    return stored === null ? otherwise : (JSON.parse(stored) ?? otherwise);
  } catch {
    return otherwise;
  }
}

export function stay(name) {
  return (value) => store(localStorage, name, value);
}

export function passing(name) {
  return (value) => store(sessionStorage, name, value);
}

export function forgetPassing() {
  sessionStorage.clear();
}

function store(storage, name, value) {
  try {
    storage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A full storage costs the memory of this one change, not the work on screen.
  }
}

// Reads a GraphQL document: operations with their selections and arguments, enough to say the same in other words. Fragments
// are put in their place, `$variables` become their values.

const TOKEN = /"""(?:[^\\]|\\.)*?"""|"(?:[^"\\\n]|\\.)*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[!$&()[\]{}:=@|]/g;

export function read(text, variables = {}) {
  const reader = new Reader(text, variables);
  const definitions = reader.document();
  const fragments = Object.fromEntries(definitions.filter((one) => one.kind === "fragment").map((one) => [one.name, one]));
  const operations = definitions.filter((one) => one.kind !== "fragment");
  return operations.map((one) => ({ ...one, selections: inlined(one.selections, fragments, new Set()) }));
}

// Which field of which type stands at a path of the answer; null when the schema has no such place.
export function coordinate(operation, path, types) {
  let type = types.get({ query: "Query", mutation: "Mutation", subscription: "Subscription" }[operation.kind]);
  let selections = operation.selections;
  let found = null;
  for (const key of path.filter((step) => typeof step === "string")) {
    const selection = selections.find((one) => one.key === key);
    const owner = types.get(selection?.on) ?? type;
    const field = owner?.fields.find((one) => one.name === selection?.name);
    if (!field) return found;
    found = { type: owner, field };
    type = types.get(field.named);
    selections = selection.selections;
  }
  return found;
}

function inlined(selections, fragments, open) {
  return selections.flatMap((one) => {
    if (one.spread && open.has(one.spread)) return [];
    const fragment = one.spread ? fragments[one.spread] : one;
    if (!fragment) return [];
    const inside = inlined(fragment.selections, fragments, one.spread ? new Set([...open, one.spread]) : open);
    return one.name ? [{ ...one, selections: inside }] : inside.map((part) => ({ ...part, on: part.on ?? fragment.on }));
  });
}

class Reader {
  constructor(text, variables) {
    this.tokens = text.replace(/^((?:[^"#\n]|"(?:[^"\\\n]|\\.)*")*)#.*$/gm, "$1").match(TOKEN) ?? [];
    this.variables = variables;
    this.at = 0;
  }

  document() {
    const found = [];
    while (this.at < this.tokens.length) found.push(this.definition());
    return found;
  }

  definition() {
    const kind = this.peek() === "{" ? "query" : this.next();
    if (!["query", "mutation", "subscription", "fragment"].includes(kind)) throw new Error(kind);
    const name = /^\w/.test(this.peek()) ? this.next() : null;
    const on = kind === "fragment" && this.skip("on") ? this.next() : null;
    if (this.peek() === "(") this.defaults();
    this.directives();
    return { kind, name, on, selections: this.selections() };
  }

  defaults() {
    this.expect("(");
    while (!this.skip(")")) {
      this.expect("$");
      const name = this.next();
      this.expect(":");
      while (/^[\w[\]!]/.test(this.peek()) && !this.skip("=")) this.next();
      const otherwise = this.skip("=") ? this.value() : undefined;
      if (!(name in this.variables) && otherwise !== undefined) this.variables = { ...this.variables, [name]: otherwise };
      this.directives();
    }
  }

  selections() {
    const found = [];
    this.expect("{");
    while (!this.skip("}")) found.push(this.selection());
    return found;
  }

  selection() {
    if (this.skip("...")) {
      if (this.peek() !== "on" && /^\w/.test(this.peek())) {
        const spread = this.next();
        this.directives();
        return { spread, selections: [] };
      }
      const on = this.skip("on") ? this.next() : null;
      this.directives();
      return { on, selections: this.selections() };
    }
    const key = this.next();
    const name = this.skip(":") ? this.next() : key;
    const args = this.peek() === "(" ? this.pairs("(", ")") : {};
    this.directives();
    return { key, name, args, selections: this.peek() === "{" ? this.selections() : [] };
  }

  directives() {
    while (this.skip("@")) {
      this.next();
      if (this.peek() === "(") this.pairs("(", ")");
    }
  }

  pairs(begin, end) {
    const found = {};
    this.expect(begin);
    while (!this.skip(end)) {
      const name = this.next();
      this.expect(":");
      const value = this.value();
      if (value !== undefined) found[name] = value;
    }
    return found;
  }

  value() {
    const token = this.peek();
    if (token === "{") return this.pairs("{", "}");
    this.at += 1;
    if (token === "$") return this.variables[this.next()];
    if (token === "[") {
      const found = [];
      while (!this.skip("]")) found.push(this.value());
      return found;
    }
    if (token.startsWith('"""')) return token.slice(3, -3).trim();
    return /^["\d-]|^(true|false|null)$/.test(token) ? JSON.parse(token) : token;
  }

  peek() {
    return this.tokens[this.at] ?? "";
  }

  next() {
    if (this.at >= this.tokens.length) throw new Error("…");
    return this.tokens[this.at++];
  }

  skip(token) {
    if (this.peek() !== token) return false;
    this.at += 1;
    return true;
  }

  expect(token) {
    if (!this.skip(token)) throw new Error(this.peek() || "…");
  }
}

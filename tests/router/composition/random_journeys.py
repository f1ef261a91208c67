"""Random schema sets that merge well and differ in how one gets from subgraph to subgraph: keys, requirements, provisions, abstract types."""

from __future__ import annotations

from random import Random

from router.federation.subgraph import SubgraphSource

IMPORTS = '"@key", "@shareable", "@external", "@requires", "@provides", "@interfaceObject", "@override"'
HEAD = f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: [{IMPORTS}])\n'
TYPES = ("A", "B", "C", "D")
KEYS = ("id", "k", "m", "id k", "k m", "n { id }", "n { id v }")
LEAVES = ("Int", "Int", "String")


class Journey:
    """One schema set."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.names = [f"s{i}" for i in range(self.random.randint(2, 4))]
        self.fields = {t: {f"{t.lower()}{i}": self.target() for i in range(self.random.randint(2, 4))} for t in TYPES}
        self.owners = {f"{t}.{f}": self.random.choice(self.names) for t, fs in self.fields.items() for f in fs}
        self.queries = {f"q{i}": self.random.choice((*TYPES, "I", "U")) for i in range(4)}
        self.implementing = [t for t in TYPES if self.chance(400)]
        self.union = [t for t in TYPES if self.chance(500)] or ["A"]
        self.keyed = self.chance(400)
        self.has_v = False
        # Half of the sets are easy: everything has an id, so that most of them compose.
        self.easy = self.chance(600)
        self.standing_in = {name for name in self.names[1:] if self.keyed and self.chance(300)}

    def chance(self, per_thousand: int) -> bool:
        """Throw the dice."""
        return self.random.randrange(1000) < per_thousand

    def target(self) -> str:
        """The type of a field."""
        return self.random.choice((*LEAVES, *TYPES, "I", "U", "[A]", "N"))

    def sdl(self, name: str) -> str:
        """The document of one subgraph."""
        parts, used = {}, set[str]()
        query = [
            f"  {field}: {self.use(ref, used)} @shareable" for field, ref in self.queries.items() if self.chance(400)
        ]
        parts["Query"] = "type Query {\n" + "\n".join(query or ["  z: Int @shareable"]) + "\n}"
        self.has_v = False
        waiting = {
            t
            for t in TYPES
            if (self.owns(name, t) or self.chance(300)) and not (name in self.standing_in and t in self.implementing)
        } | used
        while waiting:
            current = min(waiting)
            waiting.remove(current)
            parts[current] = self.definition(name, current, used)
            waiting = {t for t in used if t not in parts} - {"N"}
        if "N" in used:
            parts["N"] = self.definition(name, "N", used)
        return HEAD + "\n".join(parts.values())

    def owns(self, name: str, current: str) -> bool:
        return any(self.owners[f"{current}.{field}"] == name for field in self.fields[current])

    def use(self, ref: str, used: set[str]) -> str:
        used.add(ref.strip("[]"))
        used -= {"Int", "String", "ID"}
        return ref

    def definition(self, name: str, current: str, used: set[str]) -> str:
        match current:
            case "N":
                return (
                    "type N @shareable {\n  id: ID\n" + ("  v: Int\n" if self.has_v or self.chance(500) else "") + "}"
                )
            case "U":
                members = [t for t in self.union if self.chance(800)] or self.union
                used |= set(members)
                return f"union U = {' | '.join(members)}"
            case "I":
                return self.interface(name, used)
            case _:
                return self.entity(name, current, used)

    def interface(self, name: str, used: set[str]) -> str:
        if name in self.standing_in:
            return f'type I @interfaceObject @key(fields: "id") {{\n  id: ID @shareable\n  from_{name}: Int\n}}'
        used |= set(self.implementing if self.keyed else [t for t in self.implementing if self.chance(800)])
        key = ' @key(fields: "id")' if self.keyed else ""
        return f"interface I{key} {{\n  id: ID\n}}"

    def entity(self, name: str, current: str, used: set[str]) -> str:
        fields: dict[str, str] = {}
        keys = self.random.sample(KEYS, self.random.randint(0, 2))
        if self.easy and not self.chance(60):
            keys.append("id")
        implements = current in self.implementing and name not in self.standing_in
        if implements:
            used.add("I")
            fields["id"] = "ID @shareable"
            keys += ["id"] if self.keyed else []
        text = ""
        for key in dict.fromkeys(keys):
            text += f' @key(fields: "{key}"{", resolvable: false" if self.chance(120) and not (key == "id" and self.chance(800)) else ""})'
            self.key_fields(key, fields, used)
        for field, ref in self.fields[current].items():
            if self.owners[f"{current}.{field}"] == name or self.chance(350):
                fields[field] = f"{self.use(ref, used)} @shareable"
        self.requires(name, current, fields, used)
        if not fields:
            fields["own"] = "Int @shareable"
        lines = "\n".join(f"  {field}: {ref}" for field, ref in fields.items())
        return f"type {current}{' implements I' if implements else ''}{text} {{\n{lines}\n}}"

    def key_fields(self, key: str, fields: dict[str, str], used: set[str]) -> None:
        for word in key.replace("{", " ").replace("}", " ").split():
            if word in {"id", "k", "m"} and "{" not in key:
                fields[word] = "ID @shareable" if word == "id" else "Int @shareable"
        if "{" in key:
            fields["n"] = "N @shareable"
            used.add("N")
            self.has_v = self.has_v or "v" in key

    def requires(self, name: str, current: str, fields: dict[str, str], used: set[str]) -> None:
        absent = [f for f, t in self.fields[current].items() if f not in fields and t in LEAVES]
        if absent and self.chance(350):
            field = self.random.choice(absent)
            fields[field] = f"{self.use(self.fields[current][field], used)} @external"
            fields[f"req_{name}_{current.lower()}"] = f'Int @requires(fields: "{field}")'


def journeys(seed: int) -> tuple[SubgraphSource, ...]:
    """The schema set of a seed: always the same."""
    journey = Journey(seed)
    return tuple(SubgraphSource(name, f"http://{name}", journey.sdl(name)) for name in journey.names)

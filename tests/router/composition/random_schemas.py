"""Random schema sets: one world of types, cut at random into subgraphs, and bent at random so that some do not compose."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from router.federation.subgraph import SubgraphSource

IMPORTS = (
    "@key",
    "@shareable",
    "@external",
    "@requires",
    "@provides",
    "@override",
    "@inaccessible",
    "@tag",
    "@interfaceObject",
)
ENTITIES = ("T0", "T1", "T2", "T3")
VALUES = ("V0", "V1")
SCALARS = ("Int", "String", "Float", "Boolean", "ID", "S0", "E0", "E1")
OUTPUTS = (*SCALARS, *SCALARS, *ENTITIES, *VALUES, "I0", "U0", "[T0]", "[V0!]", "[Int]")


@dataclass
class World:
    """What all subgraphs have in common."""

    random: Random
    # How often something is bent, per thousand.
    bent: int
    names: list[str]

    def __post_init__(self) -> None:
        self.fields = {
            name: {f"f{i}": self.random.choice(OUTPUTS) for i in range(self.random.randint(2, 5))}
            for name in (*ENTITIES, *VALUES)
        }
        self.queries = {f"q{i}": self.random.choice(OUTPUTS) for i in range(5)}
        self.keys = {name: self.random.choice(("id", "id", "id sku", "sku", "o { id }")) for name in ENTITIES}
        self.shared = {
            f"{name}.{field}"
            for name, fields in self.fields.items()
            for field in fields
            if name in VALUES or self.chance(250)
        }
        self.owners = {f"{n}.{f}": self.random.choice(self.names) for n, fs in self.fields.items() for f in fs}
        self.nullable = {f"{n}.{f}": "" if self.chance(700) else "!" for n, fs in self.fields.items() for f in fs}
        self.implementing = [name for name in ENTITIES if self.chance(500)]
        self.members = [name for name in (*ENTITIES, *VALUES) if self.chance(500)] or ["V0"]
        self.arguments = {f"{n}.{f}": self.chance(200) for n, fs in self.fields.items() for f in fs}
        self.keyed_interface = self.chance(300)

    def chance(self, per_thousand: int) -> bool:
        """Throw the dice."""
        return self.random.randrange(1000) < per_thousand

    def bend(self) -> bool:
        """Whether to bend something here."""
        return self.chance(self.bent)


class Cut:
    """One subgraph."""

    def __init__(self, world: World, names: list[str], index: int) -> None:
        self.world = world
        self.names = names
        self.name = names[index]
        self.random = world.random
        self.used: set[str] = set()
        self.is_federation_1 = world.chance(60)
        self.parts: dict[str, str] = {}

    def sdl(self) -> str:
        """The whole document: what is chosen, and everything that it refers to."""
        chosen = {name for name in ENTITIES if self.owns(name) or self.world.chance(200)}
        if self.world.chance(600) or self.name == "s0":
            self.parts["Query"] = self.query()
        if self.world.chance(150):
            self.parts["Mutation"] = (
                f"type Mutation {{\n  m{self.random.randint(0, 1)}(i: In0): V0{self.mark('shareable', 500)}\n}}"
            )
            self.used |= {"V0", "In0"}
        waiting = sorted(chosen | self.used)
        while waiting:
            name = waiting.pop()
            if name not in self.parts and name not in {"Int", "String", "Float", "Boolean", "ID"}:
                self.parts[name] = self.definition(name)
                waiting = sorted(self.used - self.parts.keys())
        head = ""
        if not self.is_federation_1:
            version = self.random.choice((3, 3, 5, 9))
            imports = ", ".join(f'"{entry}"' for entry in IMPORTS)
            head = (
                f'extend schema @link(url: "https://specs.apollo.dev/federation/v2.{version}", import: [{imports}])\n\n'
            )
        return head + "\n\n".join(self.parts.values()) + "\n"

    def mark(self, directive: str, chance: int, arguments: str = "") -> str:
        """Apply a directive sometimes; never one that federation 1 does not have."""
        if self.is_federation_1 and directive in {"shareable", "override", "inaccessible", "interfaceObject"}:
            return ""
        return f" @{directive}{arguments}" if self.world.chance(chance) else ""

    def owns(self, name: str) -> bool:
        return any(self.world.owners[f"{name}.{field}"] == self.name for field in self.world.fields[name])

    def refer(self, ref: str) -> str:
        self.used.add(ref.strip("[]!"))
        return ref

    def query(self) -> str:
        fields = []
        for name, ref in self.world.queries.items():
            if self.world.chance(450):
                shared = "" if self.is_federation_1 or self.world.bend() else " @shareable"
                fields.append(f"  {name}: {self.refer(ref)}{shared}{self.decoration()}")
        return (
            "type Query {\n"
            + "\n".join(fields or ["  unused: Int" + ("" if self.is_federation_1 else " @shareable")])
            + "\n}"
        )

    def decoration(self) -> str:
        bent = self.world.bent
        text = self.mark("tag", bent, f'(name: "{self.random.choice("ab")}")')
        text += self.mark("inaccessible", bent // 3)
        text += self.mark("deprecated", bent, self.random.choice(("", '(reason: "x")')))
        return text

    def description(self) -> str:
        return f'"""{self.random.choice(("one", "two"))}"""\n' if self.world.bend() else ""

    def definition(self, name: str) -> str:
        match name:
            case "S0":
                return "scalar S0"
            case "E0" | "E1":
                values = ["A", "B", *(["C"] if self.world.bend() else [])]
                return (
                    f"{self.description()}enum {name} {{\n  "
                    + "\n  ".join(f"{v}{self.decoration()}" for v in values)
                    + "\n}"
                )
            case "In0":
                self.used.add("E0")
                extra = f"  c: {self.random.choice(('Int', 'Int!', 'String'))}\n" if self.world.bend() else ""
                default = " = 1" if self.world.bend() else ""
                return f"input In0 {{\n  a: Int{default}\n  b: E0{self.decoration()}\n{extra}}}"
            case "I0":
                return self.interface()
            case "U0":
                members = [m for m in self.world.members if not self.world.bend()] or self.world.members
                self.used |= set(members)
                return f"{self.description()}union U0 = {' | '.join(members)}"
            case _:
                return self.object(name)

    def interface(self) -> str:
        if self.world.keyed_interface and not self.is_federation_1 and self.world.chance(300):
            self.parts |= {
                name: "" for name in self.world.implementing if name not in self.parts and not self.world.bend()
            }
            extra = f"extra{self.random.randint(0, 1)}: Int{self.mark('shareable', 300)}"
            return f'type I0 @interfaceObject @key(fields: "id") {{\n  id: ID!\n  {extra}\n}}'
        self.used |= set(self.world.implementing)
        key = ' @key(fields: "id")' if self.world.keyed_interface and not self.is_federation_1 else ""
        return f"interface I0{key} {{\n  id: ID!\n}}"

    def object(self, name: str) -> str:
        entity = name in ENTITIES
        fields = {}
        directives = ""
        implements = ""
        if entity:
            directives = self.key(name, fields)
        if name in self.world.implementing and ("I0" in self.used or "I0" in self.parts):
            implements = " implements I0"
            fields.setdefault("id", "ID!" + ("" if self.is_federation_1 else " @shareable"))
        names = list(self.world.fields[name])
        for field in names:
            coordinate = f"{name}.{field}"
            owned = self.world.owners[coordinate] == self.name
            shared = coordinate in self.world.shared and self.world.chance(400)
            if (owned or shared or not entity) != self.world.bend():
                fields[field] = self.field(name, field)
        if entity and self.world.chance(250):
            self.external(name, fields)
        if not fields and not entity:
            fields[names[0]] = self.field(name, names[0])
        keyword = "extend type" if entity and self.world.bend() else "type"
        description = self.description() if keyword == "type" else ""
        lines = "\n".join(f"  {field}{'' if text.startswith('(') else ':'} {text}" for field, text in fields.items())
        tag = self.mark("tag", self.world.bent, '(name: "t")')
        return f"{description}{keyword} {name}{implements}{directives}{tag} {{\n{lines}\n}}"

    def key(self, name: str, fields: dict[str, str]) -> str:
        keys = [self.world.keys[name]]
        if self.world.bend():
            keys = [self.random.choice(("id", "sku", "id sku"))]
        if self.world.chance(150):
            keys.append("id")
        if name in self.world.implementing and self.world.keyed_interface:
            keys.append("id")
        text = ""
        for key in dict.fromkeys(keys):
            resolvable = ", resolvable: false" if self.world.chance(self.world.bent // 2) else ""
            text += f' @key(fields: "{key}"{resolvable})'
            for word in ("id", "sku"):
                if word in key.split() and "{" not in key:
                    fields[word] = "ID!" if word == "id" else "String"
            if "{" in key:
                self.parts["KeyHolder"] = (
                    "type KeyHolder" + ("" if self.is_federation_1 else " @shareable") + " {\n  id: ID!\n}"
                )
                fields["o"] = "KeyHolder"
        return "" if self.world.bend() and not self.world.keyed_interface else text

    def field(self, name: str, field: str) -> str:
        coordinate = f"{name}.{field}"
        ref = self.refer(self.world.fields[name][field])
        null = self.world.nullable[coordinate]
        if self.world.bend():
            null = "" if null else "!"
        if self.world.chance(self.world.bent // 6):
            ref, null = "Int", ""
        shared = coordinate in self.world.shared
        text = f"{ref}{null}"
        if self.world.arguments[coordinate]:
            second = f", y: {self.random.choice(('Int', 'Int!', 'String'))}" if self.world.bend() else ""
            text = f"(x: Int{' = 1' if self.world.bend() else ''}{second}): {text}"
        if (shared or name in VALUES) != self.world.bend() and not self.is_federation_1:
            text += " @shareable"
        if name in ENTITIES:
            text += self.mark("override", self.world.bent // 2, f'(from: "{self.random.choice(self.names)}")')
        if ref in ENTITIES and self.world.chance(100):
            text += self.provides(ref)
        return text + self.decoration()

    def provides(self, ref: str) -> str:
        leaf = next(
            (f for f, t in self.world.fields[ref].items() if t in SCALARS and not self.world.arguments[f"{ref}.{f}"]),
            None,
        )
        if leaf is None or ref in self.parts:
            return ""
        self.parts[ref] = ""
        text = self.object(ref)
        if f"  {leaf}:" not in text:
            self.refer(self.world.fields[ref][leaf])
            text = (
                text.removesuffix("}")
                + f"  {leaf}: {self.world.fields[ref][leaf]}{self.world.nullable[f'{ref}.{leaf}']} @external\n}}"
            )
            self.parts[ref] = text
            return f' @provides(fields: "{leaf}")'
        self.parts[ref] = text
        return ""

    def external(self, name: str, fields: dict[str, str]) -> None:
        """A field of another subgraph, and one that requires it."""
        absent = [
            f
            for f, t in self.world.fields[name].items()
            if f not in fields and t in SCALARS and self.world.owners[f"{name}.{f}"] != self.name
        ]
        if not absent:
            return
        field = self.random.choice(absent)
        ref = self.refer(self.world.fields[name][field])
        coordinate = f"{name}.{field}"
        arguments = "(x: Int): " if self.world.arguments[coordinate] else ""
        fields[field] = f"{arguments}{ref}{self.world.nullable[coordinate]} @external"
        if not self.world.bend():
            fields[f"r{self.random.randint(0, 9)}{self.name}"] = f'Int @requires(fields: "{field}")'


def schemas(seed: int) -> tuple[SubgraphSource, ...]:
    """The schema set of a seed: always the same."""
    random = Random(seed)
    names = [f"s{i}" for i in range(random.randint(1, 4))]
    world = World(random, random.choice((0, 5, 20, 60)), names)
    return tuple(
        SubgraphSource(name, f"http://{name}", Cut(world, names, index).sdl()) for index, name in enumerate(names)
    )

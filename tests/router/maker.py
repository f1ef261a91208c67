"""Makes up the types of a random world and cuts them into subgraphs, so that every field can be reached from anywhere."""

from __future__ import annotations

import random

from blueprint import KEYS, FieldSpec, TypeSpec, members_in


class Maker:
    """Fills a world with types."""

    def __init__(self, graphs: list[str], roll: random.Random) -> None:
        self.graphs = graphs
        self.random = roll
        self.types: dict[str, TypeSpec] = {}
        self.entities: list[TypeSpec] = []

    def make(self) -> dict[str, TypeSpec]:
        """All types of a world."""
        for number in range(self.random.randint(1, 4)):
            self._entity(f"E{number}")
        values = [self._value(f"V{number}") for number in range(self.random.randint(0, 2))]
        abstract = [self._interface("I0")] if self._often(0.6) else []
        abstract += [self._union("U0")] if self._often(0.5) else []
        self._interface_object(abstract)
        self._references([*self.entities, *values, *(spec for spec in abstract if spec)])
        self._root([*self.entities, *values, *(spec for spec in abstract if spec)])
        for spec in list(self.entities):
            self._requires(spec)
        return self.types

    def _often(self, share: float) -> bool:
        return self.random.random() < share

    def _some(self, items: list[str], least: int = 1) -> list[str]:
        count = self.random.randint(least, len(items)) if len(items) >= least else len(items)
        return sorted(self.random.sample(items, count))

    def _entity(self, name: str) -> None:
        """One subgraph knows all keys and so leads from any to any other; the others have one."""
        graphs = self._some(self.graphs)
        home = self.random.choice(graphs)
        two_keys = self._often(0.4)
        keys = {graph: ["id"] if not two_keys or self._often(0.5) else ["code"] for graph in graphs}
        if two_keys:
            keys[home] = list(KEYS)
        spec = TypeSpec(name, "entity", keys)
        for key in KEYS:
            holders = [graph for graph in graphs if key in keys[graph]]
            if holders:
                spec.fields[key] = FieldSpec(key, "ID!", holders)
        for number in range(self.random.randint(1, 5)):
            self._scalar(spec, f"f{number}", graphs)
        self.entities.append(spec)
        self.types[name] = spec

    def _scalar(self, spec: TypeSpec, name: str, graphs: list[str]) -> None:
        owners = self._some(graphs) if self._often(0.25) else [self.random.choice(graphs)]
        kind = self.random.choice(["String", "String!", "[String]", "[String!]!"])
        spec.fields[name] = FieldSpec(name, kind, owners, argument=self._often(0.2))

    def _value(self, name: str) -> TypeSpec:
        graphs = self._some(self.graphs)
        spec = TypeSpec(name, "value", {graph: [] for graph in graphs})
        if self._often(0.3):
            spec.is_split = True
            for number, graph in enumerate(graphs):
                spec.fields[f"f{number}"] = FieldSpec(f"f{number}", self.random.choice(["String", "String!"]), [graph])
            self.types[name] = spec
            return spec
        for number in range(self.random.randint(1, 3)):
            field_name = f"f{number}"
            spec.fields[field_name] = FieldSpec(field_name, self.random.choice(["String", "String!"]), graphs)
        self.types[name] = spec
        return spec

    def _interface(self, name: str) -> TypeSpec | None:
        """An interface with what its entities have in common in each subgraph; the field `f0` and the key at most."""
        implementing = self._some([spec.name for spec in self.entities])
        graphs = {
            graph: [member for member in implementing if graph in self.types[member].graphs] for graph in self.graphs
        }
        members = {graph: names for graph, names in graphs.items() if names and self._often(0.8)}
        if not members:
            return None
        known = {one for names in members.values() for one in names}
        spec = TypeSpec(name, "interface", {graph: [] for graph in members}, members=members)
        for field_name in ("id", "f0", "f1"):
            found = [self.types[one].fields.get(field_name) for one in sorted(known)]
            if any(item is None or item.type != (found[0] and found[0].type) or item.argument for item in found):
                continue
            holders = [
                graph
                for graph, names in members.items()
                if all(graph in self.types[one].fields[field_name].graphs for one in names)
            ]
            if holders:
                spec.fields[field_name] = FieldSpec(field_name, found[0].type if found[0] else "ID!", holders)
        if not spec.fields or any(not any(graph in item.graphs for item in spec.fields.values()) for graph in members):
            return None
        self.types[name] = spec
        return spec

    def _union(self, name: str) -> TypeSpec | None:
        names = [spec.name for spec in self.entities]
        members = {}
        for graph in self.graphs:
            here = [one for one in names if graph in self.types[one].graphs]
            if here and self._often(0.8):
                members[graph] = self._some(here)
        if not members:
            return None
        spec = TypeSpec(name, "union", {graph: [] for graph in members}, members=members)
        self.types[name] = spec
        return spec

    def _interface_object(self, abstract: list[TypeSpec | None]) -> None:
        """Give an interface a key, if one subgraph has all its types, and let others add fields to it."""
        spec = next((one for one in abstract if one and one.kind == "interface"), None)
        if spec is None or "id" not in spec.fields:
            return
        known = {one for names in spec.members.values() for one in names}
        homes = [
            graph
            for graph, names in spec.members.items()
            if set(names) == known
            and graph in spec.fields["id"].graphs
            and all("id" in self.types[one].graphs[graph] for one in known)
        ]
        free = [
            graph
            for graph in self.graphs
            if graph not in spec.graphs and not any(graph in self.types[one].graphs for one in known)
        ]
        if not homes or not free:
            return
        # All that can be reached must lead to the id.
        if any("id" not in keys for one in known for keys in self.types[one].graphs.values()):
            return
        for graph in homes:
            spec.graphs[graph] = ["id"]
        added = self.random.choice(free)
        spec.graphs[added] = ["id"]
        spec.interface_object.append(added)
        spec.fields["id"].graphs.append(added)
        spec.fields["extra"] = FieldSpec("extra", "String", [added])
        for one in known:
            self.types[one].fields["extra"] = FieldSpec("extra", "String", [])

    def _references(self, targets: list[TypeSpec]) -> None:
        for spec in self.entities:
            for number in range(self.random.randint(0, 3)):
                self._reference(spec, f"r{number}", self.random.choice(targets))

    def _reference(self, spec: TypeSpec, name: str, target: TypeSpec) -> None:
        both = [graph for graph in spec.graphs if graph in target.graphs]
        if not both:
            return
        owners = self._some(both) if self._often(0.3) else [self.random.choice(both)]
        if target.is_split:
            owners = both
            if set(both) != set(target.graphs):
                return
        if target.kind in ("interface", "union") and not set.intersection(
            *(set(members_in(target, graph)) for graph in owners)
        ):
            owners = owners[:1]
        wrap = self.random.choice(["{}", "{}", "{}!", "[{}]", "[{}!]!", "[{}!]"])
        item = FieldSpec(name, wrap.format(target.name), owners, argument=self._often(0.1))
        if target.kind == "entity":
            self._provides(item, target)
        spec.fields[name] = item

    def _provides(self, item: FieldSpec, target: TypeSpec) -> None:
        if not self._often(0.4) or len(item.graphs) > 1:
            return
        graph = item.graphs[0]
        names = [
            other.name
            for other in target.fields.values()
            if other.name.startswith("f") and graph not in other.graphs and not other.argument and not other.requires
        ]
        if names:
            given = self._some(names)
            item.provides[graph] = " ".join(given)
            for name in given:
                if graph not in target.fields[name].external:
                    target.fields[name].external.append(graph)

    def _requires(self, spec: TypeSpec) -> None:
        for graph in spec.graphs:
            names = [
                item.name
                for item in spec.fields.values()
                if item.name[0] in "fq" and graph not in item.graphs and not item.argument and item.graphs
            ]
            nested = [
                item.name
                for item in spec.fields.values()
                if item.name[0] == "r"
                and graph not in item.graphs
                and not item.argument
                and self._is_whole_in(item, graph)
            ]
            if (names or nested) and self._often(0.4):
                needed = self._some([*names, *nested])[:3]
                for name in needed:
                    if graph not in spec.fields[name].external:
                        spec.fields[name].external.append(graph)
                needed = [
                    name if name in names else f"{name} {{ {self._inner(spec.fields[name])} }}" for name in needed
                ]
                own = f"q{len(spec.fields)}"
                spec.fields[own] = FieldSpec(own, "String", [graph], requires={graph: " ".join(needed)})

    def _is_whole_in(self, item: FieldSpec, graph: str) -> bool:
        target = self.types[item.named]
        return target.kind == "value" and not target.is_split and graph in target.graphs

    def _inner(self, item: FieldSpec) -> str:
        return " ".join(self._some(list(self.types[item.named].fields)))

    def _root(self, targets: list[TypeSpec]) -> None:
        spec = TypeSpec("Query", "root", {graph: [] for graph in self.graphs})
        for number, target in enumerate(targets):
            self._reference(spec, f"q{number}", target)
        for graph in self.graphs:
            spec.fields[f"ping_{graph}"] = FieldSpec(f"ping_{graph}", "String", [graph])
        self.types = {"Query": spec, **self.types}

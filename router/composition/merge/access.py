"""Access control of interfaces: whoever asks through an interface must be allowed to ask each object behind it, and vice versa.

    type Book implements Media @authenticated        → Media demands it, too
    type Book implements Media { price: Int @policy } → so does Media.price
    type Media @interfaceObject { price: Int @policy } → so does the price of every implementation, and of their other interfaces

What is demanded elsewhere is merged as if one more subgraph had written it.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.composition.merge.merging import ACCESS, Merging
from router.federation.elements import FieldDefinition, Kind, TypeDefinition
from router.federation.subgraph import Subgraph


def inherit_access(merging: Merging) -> None:
    """Note for every interface and every field which access control it inherits."""
    reach = _Reach(merging)
    for subgraph in merging.subgraphs:
        for composed in merging.composed.values():
            if composed.element in ACCESS:
                for coordinate, source in reach.inheritors(subgraph, composed.element):
                    merging.inherited.setdefault((coordinate, composed.element), []).append(source)


class _Reach:
    """Who implements whom in the supergraph."""

    def __init__(self, merging: Merging) -> None:
        self.interfaces: dict[str, list[str]] = {}
        self.implementations: dict[str, list[str]] = {}
        for definition in merging.supergraph.types.values():
            if definition.kind is Kind.OBJECT:
                self.interfaces[definition.name] = list(definition.interfaces)
                for interface in definition.interfaces:
                    self.implementations.setdefault(interface, []).append(definition.name)

    def inheritors(self, subgraph: Subgraph, directive: str) -> Iterator[tuple[str, TypeDefinition | FieldDefinition]]:
        """The coordinates that inherit something from this subgraph, each with the element that it inherits from."""
        for definition in subgraph.types.values():
            if definition.kind is not Kind.OBJECT:
                continue
            if subgraph.has(definition, directive):
                yield from ((interface, definition) for interface in self.interfaces.get(definition.name, ()))
            for member in definition.fields.values():
                if subgraph.has(member, directive) and not subgraph.is_external(member):
                    names = self.related(definition.name, through=subgraph.is_interface_object(definition))
                    yield from ((f"{name}.{member.name}", member) for name in names)

    def related(self, name: str, *, through: bool) -> list[str]:
        """The interfaces of an object; of an interface object its implementations, and their other interfaces."""
        if not through:
            return self.interfaces.get(name, [])
        implementations = self.implementations.get(name, [])
        others = (other for implementation in implementations for other in self.interfaces[implementation])
        return [*implementations, *dict.fromkeys(other for other in others if other != name)]

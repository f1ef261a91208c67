"""What a random world consists of: types and fields, and which subgraph has which of them."""

from __future__ import annotations

from dataclasses import dataclass, field

KEYS = ("id", "code")


@dataclass
class FieldSpec:
    """A field and who has it; the type is as in the monolith."""

    name: str
    type: str
    graphs: list[str]
    argument: bool = False
    requires: dict[str, str] = field(default_factory=dict)
    provides: dict[str, str] = field(default_factory=dict)
    external: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)  # where a subgraph says it otherwise

    @property
    def named(self) -> str:
        return self.type.strip("[]!")


@dataclass
class TypeSpec:
    """A composite type; `graphs` has the keys under which each subgraph knows it."""

    name: str
    kind: str  # entity, value, interface, union, root
    graphs: dict[str, list[str]]
    fields: dict[str, FieldSpec] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)  # by graph: implementations or union members
    interface_object: list[str] = field(default_factory=list)
    is_split: bool = False  # a value type whose parts lie in different subgraphs


def members_in(target: TypeSpec, graph: str) -> list[str]:
    """The types that one subgraph can return as an abstract type."""
    if graph in target.interface_object:
        return sorted({name for names in target.members.values() for name in names})
    return target.members[graph]

"""@authenticated, @requiresScopes and @policy: never on interfaces, their fields, or what stands for an interface."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import Node as AstNode

from router.federation.codes import CompositionError
from router.federation.elements import Kind
from router.federation.subgraph import Subgraph

DIRECTIVES = ("authenticated", "requiresScopes", "policy")


def check(subgraph: Subgraph) -> Iterator[CompositionError]:
    """Check where access control is demanded."""
    for directive in DIRECTIVES:
        name = f"@{subgraph.name_of(directive)}"
        for definition in subgraph.types.values():
            is_interface, is_object = definition.kind is Kind.INTERFACE, subgraph.is_interface_object(definition)
            if not is_interface and not is_object:
                continue
            kind = "interface object" if is_object else "interface"
            found: list[tuple[str, AstNode | None, AstNode | None]] = [
                (f'{kind} "{definition.name}"', a.node, None) for a in subgraph.applications(definition, directive)
            ]
            if is_interface:
                found += [
                    (f'field "{member.coordinate}"', a.node, definition.last_part)
                    for member in definition.fields.values()
                    for a in subgraph.applications(member, directive)
                ]
            for what, node, parent in found:
                yield subgraph.error(
                    "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE",
                    f"Invalid use of {name} on {what}: {name} cannot be applied on interfaces, interface fields and interface objects",
                    node,
                    parent,
                )

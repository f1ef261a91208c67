"""Read a GraphQL document of definitions into a `Schema`: definitions and extensions of one type become one."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TypeAlias

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    EnumValueDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    NamedTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    print_ast,
)
from graphql import Node as AstNode

from router.federation.elements import (
    BUILTIN_SCALARS,
    UNSET,
    Applied,
    DirectiveDefinition,
    EnumValue,
    FieldDefinition,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
    value_of,
)

# How a problem is told that makes the document unreadable as a schema: code-less, INVALID_GRAPHQL goes without saying.
Report: TypeAlias = Callable[[str, Sequence[AstNode]], None]

_KINDS: dict[type[AstNode], Kind] = {
    ScalarTypeDefinitionNode: Kind.SCALAR,
    ScalarTypeExtensionNode: Kind.SCALAR,
    ObjectTypeDefinitionNode: Kind.OBJECT,
    ObjectTypeExtensionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    InterfaceTypeExtensionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    UnionTypeExtensionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    EnumTypeExtensionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    InputObjectTypeExtensionNode: Kind.INPUT,
}


class UnreadableError(Exception):
    """A document of which nothing can be made; only this is told, whatever else is wrong."""

    def __init__(self, message: str, *nodes: AstNode) -> None:
        super().__init__(message)
        self.nodes = nodes


def read(document: DocumentNode, report: Report) -> Schema:
    """Read all definitions of a document; operations are reported.

    Raises:
        UnreadableError: two types have one name, or something is extended that can't be.
    """
    schema = Schema()
    add(schema, document.definitions, report)
    return schema


def add(schema: Schema, definitions: Sequence[DefinitionNode], report: Report) -> None:
    """Read definitions into a schema that may already have some: names in the order of the document, extensions last."""
    for node in definitions:
        match node:
            case SchemaDefinitionNode() | SchemaExtensionNode():
                pass
            case DirectiveDefinitionNode():
                _add_directive(schema, node, report)
            case TypeDefinitionNode() | TypeExtensionNode():
                _name_type(schema, node)
            case _:
                report("Invalid executable definition found while building schema", (node,))
    for node in sorted(definitions, key=lambda node: isinstance(node, _EXTENSIONS)):
        match node:
            case SchemaDefinitionNode() | SchemaExtensionNode():
                _add_schema(schema, node)
            case TypeDefinitionNode() | TypeExtensionNode():
                _add_part(schema.types[node.name.value], node, report)
            case _:
                pass


_EXTENSIONS = (SchemaExtensionNode, TypeExtensionNode)


def check_directives(document: DocumentNode, known: Container[str]) -> None:
    """Check the types that written definitions of directives need; nobody adds them there.

    Raises:
        UnreadableError: one of them does not exist.
    """
    for node in document.definitions:
        for argument in node.arguments or () if isinstance(node, DirectiveDefinitionNode) else ():
            _check_reference(argument.type, known)


def check_fields(document: DocumentNode, known: Container[str]) -> None:
    """Check the names and types of fields, up to the first that is wrong: nobody reads on from there.

    Raises:
        UnreadableError: a field is defined twice, or refers to a type that does not exist.
    """
    seen: set[tuple[str, str]] = set()
    nodes = [node for node in document.definitions if isinstance(node, TypeDefinitionNode | TypeExtensionNode)]
    for node in sorted(nodes, key=lambda node: isinstance(node, TypeExtensionNode)):
        for member in getattr(node, "fields", None) or ():
            name = member.name.value
            if (node.name.value, name) in seen:
                raise UnreadableError(f"Field {name} already exists on {node.name.value}", member)
            seen.add((node.name.value, name))
            for typed in (member, *(getattr(member, "arguments", None) or ())):
                _check_reference(typed.type, known)


def _check_reference(node: TypeNode, known: Container[str]) -> None:
    reference = _base(node)
    if reference.name.value not in known:
        raise UnreadableError(f"Unknown type {reference.name.value}", reference)


def _base(node: TypeNode) -> NamedTypeNode:
    """The name within lists and exclamation marks."""
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined] # lists and non-null types have one
    return node


def _add_schema(schema: Schema, node: SchemaDefinitionNode | SchemaExtensionNode) -> None:
    """Of two definitions the second one counts."""
    if isinstance(node, SchemaDefinitionNode):
        schema.description = _description(node.description)
    schema.node = node
    schema.applied.extend(_applied(node.directives, 0))
    for operation in node.operation_types or ():
        schema.roots[operation.operation.value] = operation.type.name.value
        schema.root_nodes[operation.operation.value] = operation


def _add_directive(schema: Schema, node: DirectiveDefinitionNode, report: Report) -> None:
    name = node.name.value
    if name in schema.directives:
        report(f'There can be only one directive named "@{name}".', (node,))
        return
    schema.directives[name] = DirectiveDefinition(
        name=name,
        locations=tuple(location.value for location in node.locations),
        arguments=_inputs(node.arguments, f"@{name}", report),
        repeatable=node.repeatable,
        description=_description(node.description),
        node=node,
    )


def _name_type(schema: Schema, node: TypeDefinitionNode | TypeExtensionNode) -> None:
    """A type is of the kind that is read first; an extension of another kind adds what it can."""
    name = node.name.value
    if isinstance(node, TypeExtensionNode):
        if name in BUILTIN_SCALARS:
            raise UnreadableError(f'Cannot extend built-in type "{name}"', node)
        schema.types.setdefault(name, TypeDefinition(_KINDS[type(node)], name))
        return
    definition = schema.types.setdefault(name, TypeDefinition(_KINDS[type(node)], name))
    if definition.node is not None:
        raise UnreadableError(f'There can be only one type named "{name}"', definition.node, node)
    definition.node = node


_FIELDS = (Kind.OBJECT, Kind.INTERFACE)


def _add_part(definition: TypeDefinition, node: TypeDefinitionNode | TypeExtensionNode, report: Report) -> None:
    """Add one definition or extension; the parts of a type are numbered so that directives know where they stand."""
    part = 0
    if isinstance(node, TypeDefinitionNode):
        definition.description = _description(node.description)
    else:
        definition.extensions.append(node)
        part = len(definition.extensions)
    definition.applied.extend(_applied(node.directives, part))
    match node:
        case UnionTypeDefinitionNode() | UnionTypeExtensionNode() if definition.kind is Kind.UNION:
            for member in node.types or ():
                definition.members.setdefault(member.name.value, member)
        case EnumTypeDefinitionNode() | EnumTypeExtensionNode() if definition.kind is Kind.ENUM:
            _add_values(definition, node.values)
        case ScalarTypeDefinitionNode() | ScalarTypeExtensionNode():
            pass
        case _ if hasattr(node, "fields") and definition.kind in _FIELDS:
            for interface in getattr(node, "interfaces", None) or ():
                definition.interfaces.setdefault(interface.name.value, interface)
            _add_fields(definition, node.fields, part, report)
        case _ if hasattr(node, "fields") and definition.kind is Kind.INPUT:
            for name, entry in _inputs(node.fields, definition.name, report).items():
                definition.inputs.setdefault(name, entry)
        case _:
            word = _KINDS[type(node)].value.removesuffix(" Type").lower()
            raise UnreadableError(f'Cannot extend non-{word} type "{definition.name}".', node)


def _add_fields(
    definition: TypeDefinition,
    nodes: Sequence[FieldDefinitionNode | InputValueDefinitionNode] | None,
    part: int,
    report: Report,
) -> None:
    for node in nodes or ():
        name = node.name.value
        if name in definition.fields:
            continue
        definition.fields[name] = FieldDefinition(
            name=name,
            type=print_ast(node.type),
            parent=definition.name,
            arguments=_inputs(getattr(node, "arguments", None), f"{definition.name}.{name}", report),
            description=_description(node.description),
            applied=_applied(node.directives, part),
            node=node,
            part=part,
        )


def _add_values(definition: TypeDefinition, nodes: Sequence[EnumValueDefinitionNode] | None) -> None:
    for node in nodes or ():
        name = node.name.value
        if name in definition.values:
            definition.values[name].applied += _applied(node.directives, 0)
            continue
        definition.values[name] = EnumValue(
            name=name,
            parent=definition.name,
            description=_description(node.description),
            applied=_applied(node.directives, 0),
            node=node,
        )


def _inputs(
    nodes: Sequence[FieldDefinitionNode | InputValueDefinitionNode] | None, parent: str, report: Report
) -> dict[str, InputValue]:
    of_type = "." not in parent and not parent.startswith("@")
    found: dict[str, InputValue] = {}
    for node in nodes or ():
        name = node.name.value
        before = found.get(name)
        if before is not None and parent.startswith("@"):
            report(f"Argument {name} already exists on field {parent[1:]}", (node,))
        default = getattr(node, "default_value", None)
        found[name] = InputValue(
            name=name,
            type=print_ast(node.type),
            default=UNSET if default is None else value_of(default),
            description=_description(node.description),
            # Of an argument that is written twice the last one counts, with the directives of both.
            applied=[*(before.applied if before else ()), *_applied(node.directives, 0)],
            node=node,
            coordinate=f"{parent}.{name}" if of_type else f"{parent}({name}:)",
        )
    return found


def _applied(nodes: Sequence[ConstDirectiveNode] | None, part: int) -> list[Applied]:
    return [
        Applied(
            name=node.name.value,
            arguments={argument.name.value: value_of(argument.value) for argument in node.arguments or ()},
            node=node,
            part=part,
        )
        for node in nodes or ()
    ]


def _description(node: StringValueNode | None) -> str | None:
    return node.value if node is not None else None

"""Read a GraphQL document of definitions into a `Schema`: definitions and extensions of one type become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeExtensionNode,
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


def read(document: DocumentNode, report: Report) -> Schema:
    """Read all definitions of a document; operations are reported."""
    schema = Schema()
    add(schema, document.definitions, report)
    return schema


def takes_names_twice(document: DocumentNode) -> bool:
    """Whether two types or two directives have one name: then not even the links can be read."""
    nodes = [node for node in document.definitions if isinstance(node, TypeDefinitionNode | DirectiveDefinitionNode)]
    return len({(isinstance(node, DirectiveDefinitionNode), node.name.value) for node in nodes}) < len(nodes)


def add(schema: Schema, definitions: Sequence[DefinitionNode], report: Report) -> None:
    """Read definitions into a schema that may already have some."""
    for node in definitions:
        match node:
            case SchemaDefinitionNode() | SchemaExtensionNode():
                _add_schema(schema, node, report)
            case DirectiveDefinitionNode():
                _add_directive(schema, node, report)
            case TypeDefinitionNode() | TypeExtensionNode():
                _add_type(schema, node, report)
            case _:
                report("A schema document can only contain definitions and extensions of a schema.", (node,))


def _add_schema(schema: Schema, node: SchemaDefinitionNode | SchemaExtensionNode, report: Report) -> None:
    if isinstance(node, SchemaDefinitionNode):
        if schema.node is not None:
            report("Must provide only one schema definition.", (node,))
        schema.node = node
        schema.description = _description(node.description)
    schema.applied.extend(_applied(node.directives, 0))
    for operation in node.operation_types or ():
        kind = operation.operation.value
        if kind in schema.roots:
            report(f"There can be only one {kind} type in schema.", (operation,))
        schema.roots[kind] = operation.type.name.value


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


def _add_type(schema: Schema, node: TypeDefinitionNode | TypeExtensionNode, report: Report) -> None:
    kind, name = _KINDS[type(node)], node.name.value
    if name in BUILTIN_SCALARS and isinstance(node, TypeExtensionNode):
        report(f'Cannot extend built-in type "{name}"', (node,))
        return
    definition = schema.types.get(name)
    if definition is None:
        definition = schema.types[name] = TypeDefinition(kind, name)
    elif definition.kind is not kind:
        known = definition.node or definition.extensions[0]
        report(
            f'Element "{name}" is defined both as {_a(definition.kind.value)} and {_a(kind.value)}.'
            if isinstance(node, TypeDefinitionNode)
            else f'Cannot extend non-{_word(kind)} type "{name}".',
            (known, node),
        )
        return
    _add_part(definition, node, report)


def _a(words: str) -> str:
    return f"an {words}" if words[0] in "AEIOU" else f"a {words}"


def _word(kind: Kind) -> str:
    return {"InputObject Type": "input object"}.get(kind.value, kind.value.removesuffix(" Type").lower())


def _add_part(definition: TypeDefinition, node: TypeDefinitionNode | TypeExtensionNode, report: Report) -> None:
    """Add one definition or extension; the parts of a type are numbered so that directives know where they stand."""
    part = 0
    if isinstance(node, TypeDefinitionNode):
        if definition.node is not None:
            report(f'There can be only one type named "{definition.name}"', (definition.node, node))
            return
        definition.node = node
        definition.description = _description(node.description)
    else:
        definition.extensions.append(node)
        part = len(definition.extensions)
    definition.applied.extend(_applied(node.directives, part))
    match node:
        case (
            ObjectTypeDefinitionNode()
            | ObjectTypeExtensionNode()
            | InterfaceTypeDefinitionNode()
            | InterfaceTypeExtensionNode()
        ):
            for interface in node.interfaces or ():
                definition.interfaces.setdefault(interface.name.value, interface)
            _add_fields(definition, node.fields, part, report)
        case UnionTypeDefinitionNode() | UnionTypeExtensionNode():
            for member in node.types or ():
                definition.members.setdefault(member.name.value, member)
        case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
            _add_values(definition, node.values)
        case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
            _add_inputs(definition, node, report)
        case _:
            pass


def _add_fields(
    definition: TypeDefinition, nodes: Sequence[FieldDefinitionNode] | None, part: int, report: Report
) -> None:
    for node in nodes or ():
        name = node.name.value
        if name in definition.fields:
            report(f"Field {name} already exists on {definition.name}", (node,))
            continue
        definition.fields[name] = FieldDefinition(
            name=name,
            type=print_ast(node.type),
            parent=definition.name,
            arguments=_inputs(node.arguments, f"{definition.name}.{name}", report),
            description=_description(node.description),
            applied=_applied(node.directives, part),
            node=node,
            part=part,
        )


def _add_inputs(
    definition: TypeDefinition, node: InputObjectTypeDefinitionNode | InputObjectTypeExtensionNode, report: Report
) -> None:
    for name, entry in _inputs(node.fields, definition.name, report).items():
        if name in definition.inputs:
            report(f"Field {name} already exists on {definition.name}", (entry.node or node,))
        definition.inputs[name] = entry


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


def _inputs(nodes: Sequence[InputValueDefinitionNode] | None, parent: str, report: Report) -> dict[str, InputValue]:
    of_type = "." not in parent and not parent.startswith("@")
    found: dict[str, InputValue] = {}
    for node in nodes or ():
        name = node.name.value
        before = found.get(name)
        if before is not None and of_type:
            report(f"Field {name} already exists on {parent}", (node,))
        elif before is not None and parent.startswith("@"):
            report(f"Argument {name} already exists on field {parent[1:]}", (node,))
        found[name] = InputValue(
            name=name,
            type=print_ast(node.type),
            default=UNSET if node.default_value is None else value_of(node.default_value),
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

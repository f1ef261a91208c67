"""A supergraph as SDL, in the order and words that other gateways know: everything sorted by name, fields as they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.federation.elements import (
    UNSET,
    Applied,
    DirectiveDefinition,
    EnumValue,
    FieldDefinition,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
    printed,
    printed_arguments,
)


def print_supergraph(schema: Schema) -> str:
    """Print a whole supergraph."""
    parts = [_schema(schema)]
    parts += [_directive(schema.directives[name]) for name in sorted(schema.directives, key=_dictionary_order)]
    parts += [_type(schema.types[name]) for name in sorted(schema.types, key=_dictionary_order)]
    return "\n\n".join(parts)


def _dictionary_order(name: str) -> tuple[list[tuple[bool, str]], str]:
    """As in a dictionary: case decides last, small letters first; an underscore comes before everything."""
    return [(c != "_", c) for c in name.lower()], name.swapcase()


def _schema(schema: Schema) -> str:
    roots = [
        f"  {operation}: {schema.roots[operation]}"
        for operation in ("query", "mutation", "subscription")
        if operation in schema.roots
    ]
    head = _description(schema.description, "") + "schema" + _lines(schema.applied)
    return head + "\n{\n" + "\n".join(roots) + "\n}"


def _directive(definition: DirectiveDefinition) -> str:
    repeatable = " repeatable" if definition.repeatable else ""
    locations = " | ".join(definition.locations)
    arguments = _arguments(definition.arguments, "")
    return (
        f"{_description(definition.description, '')}directive @{definition.name}{arguments}{repeatable} on {locations}"
    )


def _type(definition: TypeDefinition) -> str:
    head = f"{_description(definition.description, '')}{_KEYWORDS[definition.kind]} {definition.name}"
    if definition.interfaces:
        head += " implements " + " & ".join(definition.interfaces)
    head += _lines(definition.applied)
    match definition.kind:
        case Kind.SCALAR:
            return head
        case Kind.UNION:
            return head + ("\n = " if definition.applied else " = ") + " | ".join(definition.members)
        case Kind.ENUM:
            return head + _block(
                definition, [_enum_value(value) for value in definition.values.values()], definition.values.values()
            )
        case Kind.INPUT:
            return head + _block(
                definition, [_input(entry, "  ") for entry in definition.inputs.values()], definition.inputs.values()
            )
        case Kind.OBJECT | Kind.INTERFACE:
            return head + _block(
                definition, [_field(member) for member in definition.fields.values()], definition.fields.values()
            )


_KEYWORDS = {
    Kind.SCALAR: "scalar",
    Kind.OBJECT: "type",
    Kind.INTERFACE: "interface",
    Kind.UNION: "union",
    Kind.ENUM: "enum",
    Kind.INPUT: "input",
}


def _block(
    definition: TypeDefinition, lines: list[str], members: Iterable[FieldDefinition | InputValue | EnumValue]
) -> str:
    """Members between braces; a described one is set apart from what stands above it."""
    if not lines:
        return ""
    texts = [
        ("\n" if index and member.description is not None else "") + line
        for index, (line, member) in enumerate(zip(lines, members, strict=True))
    ]
    return ("\n{\n" if definition.applied else " {\n") + "\n".join(texts) + "\n}"


def _lines(applied: Iterable[Applied]) -> str:
    return "".join(f"\n  {_application(entry)}" for entry in applied)


def _application(applied: Applied) -> str:
    return f"@{applied.name}{printed_arguments(applied.arguments)}"


def _trail(applied: Iterable[Applied]) -> str:
    return "".join(f" {_application(entry)}" for entry in applied)


def _field(member: FieldDefinition) -> str:
    arguments = _arguments(member.arguments, "  ")
    return f"{_description(member.description, '  ')}  {member.name}{arguments}: {member.type}{_trail(member.applied)}"


def _enum_value(value: EnumValue) -> str:
    return f"{_description(value.description, '  ')}  {value.name}{_trail(value.applied)}"


def _input(entry: InputValue, indentation: str) -> str:
    default = "" if entry.default is UNSET else f" = {printed(entry.default)}"
    description = _description(entry.description, indentation)
    return f"{description}{indentation}{entry.name}: {entry.type}{default}{_trail(entry.applied)}"


def _arguments(arguments: Mapping[str, InputValue], indentation: str) -> str:
    """In one line, unless one of them is described."""
    if not arguments:
        return ""
    if not any(argument.description for argument in arguments.values()):
        return "(" + ", ".join(_input(argument, "") for argument in arguments.values()) + ")"
    deeper = indentation + "  "
    texts = [
        ("\n" if index and argument.description else "") + _input(argument, deeper)
        for index, argument in enumerate(arguments.values())
    ]
    return "(\n" + "\n".join(texts) + f"\n{indentation})"


def _description(text: str | None, indentation: str) -> str:
    if text is None:
        return ""
    escaped = text.replace('"""', '\\"""')
    if "\n" not in text and len(text) <= 70 and not text.endswith(('"', "\\")):
        return f'{indentation}"""{escaped}"""\n'
    body = "\n".join(f"{indentation}{line}" if line else "" for line in escaped.split("\n"))
    return f'{indentation}"""\n{body}\n{indentation}"""\n'

"""Which specifications a supergraph SDL links, and which of its names belong to them rather than to the graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DocumentNode,
    EnumValueNode,
    ListValueNode,
    ObjectValueNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    ValueNode,
)

_URL = re.compile(r"^(?P<identity>.+?/(?P<name>[A-Za-z_][\w-]*))/v(?P<major>\d+)\.(?P<minor>\d+)/?$")
_SPECS = "https://specs.apollo.dev/"
# What must be understood before a supergraph may be executed, and what we do understand.
_UNDERSTOOD = frozenset(
    {
        "link", "core", "join", "tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context",
        "cost", "cacheTag", "connect", "federation",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Feature:
    """One linked specification and the names under which its elements appear in this document."""

    name: str  # the prefix in this document: `join` in `join__type`
    identity: str
    version: tuple[int, int]
    purpose: str | None = None
    imports: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # "@key" → "@myKey"

    @property
    def known_as(self) -> str | None:
        """The specification's own name, if it is one of Apollo's."""
        return self.identity.removeprefix(_SPECS) if self.identity.startswith(_SPECS) else None

    def directive(self, name: str) -> str:
        """How the specification's directive `name` is called in this document."""
        if imported := self.imports.get(f"@{name}"):
            return imported.removeprefix("@")
        return self.name if name == self.known_as else f"{self.name}__{name}"

    def owns_type(self, name: str) -> bool:
        """Whether a type of this document belongs to the specification."""
        return name.startswith(f"{self.name}__") or name in self.imports.values()

    def owns_directive(self, name: str) -> bool:
        """Whether a directive of this document belongs to the specification."""
        return name == self.name or name.startswith(f"{self.name}__") or f"@{name}" in self.imports.values()


@dataclass(frozen=True, slots=True)
class Features:
    """All that a document links."""

    all: tuple[Feature, ...]

    def by_spec(self, name: str) -> Feature | None:
        """The feature of one of Apollo's specifications."""
        return next((feature for feature in self.all if feature.known_as == name), None)

    def directive(self, spec: str, name: str) -> str | None:
        """How a specification's directive is called here; None if the specification is not linked."""
        feature = self.by_spec(spec)
        return feature.directive(name) if feature else None

    def own_type(self, name: str) -> bool:
        """Whether a type belongs to a specification."""
        return any(feature.owns_type(name) for feature in self.all)

    def own_directive(self, name: str) -> bool:
        """Whether a directive belongs to a specification."""
        return any(feature.owns_directive(name) for feature in self.all)

    def not_understood(self) -> Iterator[Feature]:
        """What must be understood to execute or to secure the graph, and is not."""
        for feature in self.all:
            if feature.purpose in {"EXECUTION", "SECURITY"} and feature.known_as not in _UNDERSTOOD:
                yield feature


def of(document: DocumentNode) -> Features:
    """Read `@link` and `@core` of the schema definition."""
    links = (directive for node in document.definitions for directive in _schema_directives(node))
    return Features(tuple(feature for link in links if (feature := _feature(link)) is not None))


def _schema_directives(node: DefinitionNode) -> Iterable[ConstDirectiveNode]:
    return node.directives or () if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode) else ()


def _feature(directive: ConstDirectiveNode) -> Feature | None:
    """A link is known by its shape: an argument `url` or `feature` that is a specification's address."""
    arguments = {argument.name.value: argument.value for argument in directive.arguments or ()}
    url = _string(arguments.get("url")) or _string(arguments.get("feature"))
    match = _URL.match(url or "")
    if not match:
        return None
    purpose = arguments.get("for")
    return Feature(
        name=_string(arguments.get("as")) or match["name"],
        identity=match["identity"],
        version=(int(match["major"]), int(match["minor"])),
        purpose=purpose.value if isinstance(purpose, EnumValueNode) else None,
        imports=MappingProxyType(dict(_imports(arguments.get("import")))),
    )


def _imports(value: ValueNode | None) -> Iterator[tuple[str, str]]:
    for item in value.values if isinstance(value, ListValueNode) else ():
        match item:
            case StringValueNode(value=name):
                yield name, name
            case ObjectValueNode(fields=fields):
                parts = {part.name.value: _string(part.value) for part in fields}
                if original := parts.get("name"):
                    yield original, parts.get("as") or original


def _string(value: ValueNode | None) -> str | None:
    return value.value if isinstance(value, StringValueNode) else None

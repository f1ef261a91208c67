"""The schema that clients see: without what is inaccessible, and without the words of federation."""

from __future__ import annotations

from collections.abc import Callable

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    GraphQLSchema,
    TypeDefinitionNode,
    build_ast_schema,
    parse,
)
from graphql.language import visit

from router.federation.pruning import Hideable, Pruning
from router.federation.supergraph import Supergraph, is_owned

# Applied directives that introspection shows to clients; all others are ours or the composer's.
_SHOWN = frozenset({"deprecated", "specifiedBy", "oneOf"})
_EXECUTABLE = frozenset(
    {
        "QUERY", "MUTATION", "SUBSCRIPTION", "FIELD",
        "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "VARIABLE_DEFINITION",
    }
)  # fmt: skip


_DEFER = """
"Answer this part of the operation later, when it is ready, so that the rest need not wait for it."
directive @defer(
  "Whether it is put off at all."
  if: Boolean! = true
  "A name for this part, that its answer carries."
  label: String
) on FRAGMENT_SPREAD | INLINE_FRAGMENT
"""


def api_schema(
    supergraph: Supergraph, *, with_defer: bool = False, hidden: frozenset[int] = frozenset()
) -> GraphQLSchema:
    """Build the schema that operations are validated against and that introspection answers from.

    It has `@defer` where what is under it can be answered apart. Of its document's elements some may be `hidden` besides those
    that are marked, by what `id` says.
    """
    hide = _inaccessible(supergraph, hidden)
    definitions = tuple(
        node
        for node in supergraph.document.definitions
        if not is_owned(node, supergraph.features) and _is_for_clients(node)
    )
    gone = frozenset(node.name.value for node in definitions if isinstance(node, TypeDefinitionNode) and hide(node))
    pruning = Pruning(drop_directive=lambda name: name not in _SHOWN, hide=hide, hidden_types=gone)
    known = {node.name.value for node in definitions if isinstance(node, DirectiveDefinitionNode)}
    added = parse(_DEFER, no_location=True).definitions if with_defer and "defer" not in known else ()
    document = DocumentNode(definitions=(*definitions, *added))
    return build_ast_schema(visit(document, pruning), assume_valid_sdl=True)


def _inaccessible(supergraph: Supergraph, hidden: frozenset[int]) -> Callable[[Hideable], bool]:
    name = supergraph.features.directive("inaccessible", "inaccessible")

    def hide(node: Hideable) -> bool:
        marked = name is not None and any(directive.name.value == name for directive in node.directives or ())
        return marked or id(node) in hidden

    return hide


def _is_for_clients(node: DefinitionNode) -> bool:
    """Clients may use executable directives; what only describes a schema is none of their business."""
    match node:
        case DirectiveDefinitionNode():
            return any(location.value in _EXECUTABLE for location in node.locations)
        case _:
            return True

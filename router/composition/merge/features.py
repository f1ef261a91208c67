"""Which directives travel from subgraphs into the supergraph, under which name, and the @link that announces them there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from router.composition.merge.merging import Composed, Merging
from router.composition.merge.strategies import strategies
from router.composition.merge.wording import distribution
from router.federation import directives as definitions
from router.federation.elements import Applied, Name, Schema, Value, elements
from router.federation.spec import (
    AUTHENTICATED,
    CACHE_TAG,
    CONTEXT,
    COST,
    FEDERATION,
    INACCESSIBLE,
    POLICY,
    REQUIRES_SCOPES,
    TAG,
)
from router.federation.subgraph import Subgraph


@dataclass(frozen=True, slots=True)
class Feature:
    """A specification in the supergraph that carries a directive of federation."""

    identity: str
    version: str
    purpose: str | None
    directives: dict[str, str]
    types: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the specification."""
        return self.identity.rsplit("/", 1)[1]


_LOCATIONS = "FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION"
_AUTH = "FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM"
_COST = "ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR"
_LIST_SIZE = (
    "assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true"
)

FEATURES = (
    Feature(TAG, "v0.3", None, {"tag": f"(name: String!) repeatable on {_LOCATIONS} | SCHEMA"}),
    Feature(INACCESSIBLE, "v0.2", "SECURITY", {"inaccessible": f" on {_LOCATIONS}"}),
    Feature(AUTHENTICATED, "v0.1", "SECURITY", {"authenticated": f" on {_AUTH}"}),
    Feature(
        REQUIRES_SCOPES, "v0.1", "SECURITY", {"requiresScopes": f"(scopes: [[{{Scope}}!]!]!) on {_AUTH}"}, ("Scope",)
    ),
    Feature(POLICY, "v0.1", "SECURITY", {"policy": f"(policies: [[{{Policy}}!]!]!) on {_AUTH}"}, ("Policy",)),
    Feature(
        CONTEXT,
        "v0.1",
        "SECURITY",
        {
            "context": "(name: String!) repeatable on INTERFACE | OBJECT | UNION",
            "fromContext": "(field: {ContextFieldValue}) on ARGUMENT_DEFINITION",
        },
        ("ContextFieldValue",),
    ),
    Feature(
        COST, "v0.1", None, {"cost": f"(weight: Int!) on {_COST}", "listSize": f"({_LIST_SIZE}) on FIELD_DEFINITION"}
    ),
    Feature(
        CACHE_TAG,
        "v0.1",
        "EXECUTION",
        {"cacheTag": "(format: String!) repeatable on INTERFACE | OBJECT | FIELD_DEFINITION"},
    ),
)

FEATURE_OF = {directive: feature for feature in FEATURES for directive in feature.directives}

# These stand in the join directives of the supergraph rather than under their own name.
_NOT_APPLIED = frozenset(("fromContext", "cacheTag"))


def collect(merging: Merging) -> dict[str, Composed]:
    """Find the federation directives that are applied anywhere, in order of first appearance; link their features."""
    names = _names_in_use(merging)
    composed: dict[str, Composed] = {}
    linked: dict[str, dict[str, str]] = {}
    for element, used in names.items():
        if len(set(used.values())) > 1:
            _refuse(merging, element)
            continue
        name, feature = next(iter(used.values())), FEATURE_OF[element]
        linked.setdefault(feature.identity, {})[element] = name
        if element not in _NOT_APPLIED:
            repeatable = "repeatable" in feature.directives[element]
            composed[name] = Composed(name, element, repeatable, strategies(element))
    for feature in (FEATURE_OF[element] for element in names):
        if feature.identity in linked:
            _announce(merging.supergraph, feature, linked.pop(feature.identity))
    return composed


def _names_in_use(merging: Merging) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for index, subgraph in enumerate(merging.subgraphs):
        used = set(_applied_names(subgraph))
        for element in FEATURE_OF:
            name = subgraph.name_of(element)
            if name in used and subgraph.knows(element):
                found.setdefault(element, {})[index] = name
    return found


def _applied_names(subgraph: Subgraph) -> Iterator[str]:
    yield from (application.name for application in subgraph.schema.applied)
    for definition in subgraph.schema.types.values():
        for element in elements(definition):
            yield from (application.name for application in element.applied)
    for directive in subgraph.schema.directives.values():
        for argument in directive.arguments.values():
            yield from (application.name for application in argument.applied)


def _refuse(merging: Merging, element: str) -> None:
    sources = {index: subgraph for index, subgraph in enumerate(merging.subgraphs) if subgraph.knows(element)}
    names = [f'"@{subgraph.name_of(element)}"' for subgraph in sources.values()]
    # The first name that differs from the very first one is told first.
    odd = next((name for name in names if name != names[0]), "")
    groups = merging.groups(sources, lambda subgraph, _: f'"@{subgraph.name_of(element)}"', odd)
    told = distribution(groups, lambda v, n: f"it is imported as {v} in {n}", lambda v, n: f"{v} in {n}")
    merging.error(
        "LINK_IMPORT_NAME_MISMATCH",
        f'The "@{element}" directive (from {FEDERATION}/{merging.version}) is imported with mismatched name between subgraphs: {told}',
        [at for subgraph in sources.values() if (at := subgraph.place(subgraph.link.applied.node)) is not None],
    )


def _announce(supergraph: Schema, feature: Feature, names: dict[str, str]) -> None:
    """Link a feature in the supergraph and define its directives and types; all of them, if only some are used."""
    imports: list[Value] = []
    for element, name in names.items():
        if name == f"{feature.name}__{element}":
            continue
        if name != element:
            imports.append({"name": f"@{element}", "as": f"@{name}"})
        elif element != feature.name and element not in _NOT_APPLIED:
            imports.append(f"@{element}")
    arguments: dict[str, Value] = {"url": f"{feature.identity}/{feature.version}"}
    if feature.purpose:
        arguments["for"] = Name(feature.purpose)
    if imports:
        arguments["import"] = tuple(imports)
    supergraph.applied.append(Applied("link", arguments))
    if feature.identity != CACHE_TAG:  # it is carried, not applied
        _define(supergraph, feature, names)


def _define(supergraph: Schema, feature: Feature, names: dict[str, str]) -> None:
    for element, body in feature.directives.items():
        default = element if element == feature.name else f"{feature.name}__{element}"
        name = names.get(element, default) if element not in _NOT_APPLIED else default
        text = body
        for entry in feature.types:
            text = text.replace("{" + entry + "}", f"{feature.name}__{entry}")
        definitions.define(supergraph, f"directive @{name}{text}")
    for entry in feature.types:
        definitions.define(supergraph, f"scalar {feature.name}__{entry}")

"""The OpenAPI document as its reader may use it: without routes and fields for which they have no permission.

What is left hangs together: schemas that nothing refers to any more are gone, and so are links to routes that are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from contracts.scopes import QUALIFIERS, covers

_SCOPES: Final = "x-required-scopes"
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_COMPONENTS: Final = "#/components/"

Document = dict[str, Any]


def filtered(document: Document, held: Collection[str] | None, is_served: Callable[[str, str], bool]) -> Document:
    """The document for somebody who holds these permissions (None for everybody who may do everything)."""
    may = allowed(held)
    paths: Document = {}
    for path, item in document["paths"].items():
        kept = {
            name: one
            for name, one in item.items()
            if name not in _METHODS or (may(one[_SCOPES]) and is_served(name.upper(), path))
        }
        if _METHODS & kept.keys():
            paths[path] = kept
    shown = {**document, "paths": paths}
    if held is not None:
        shown["components"] = {**document["components"], "schemas": _visible(document["components"]["schemas"], may)}
    names = {one["operationId"] for item in paths.values() for name, one in item.items() if name in _METHODS}
    items = [*paths.values(), *document.get("webhooks", {}).values()]
    used = {tag for item in items for name, one in item.items() if name in _METHODS for tag in one["tags"]}
    shown["tags"] = [tag for tag in document["tags"] if tag["name"] in used]
    shown = _without_links(shown, names)
    return _pruned(shown)


def allowed(held: Collection[str] | None) -> Callable[[Any], bool]:
    """Whether somebody who holds these permissions may use what needs those; None for whoever may do everything."""
    return _everything if held is None else _holder(held)


def _everything(_scopes: Any) -> bool:
    return True


def _holder(held: Collection[str]) -> Callable[[Any], bool]:
    def holds(scope: str) -> bool:
        # Who holds it for less may ask, and gets less.
        return covers(held, scope) or any(covers(held, f"{scope}.{narrower}") for narrower in QUALIFIERS)

    def may(scopes: Any) -> bool:
        if scopes and isinstance(scopes[0], list):
            return any(all(holds(one) for one in together) for together in scopes)
        return all(holds(one) for one in scopes)

    return may


def _visible(schemas: Document, may: Callable[[Any], bool]) -> Document:
    found = {}
    for name, schema in schemas.items():
        properties = schema.get("properties")
        hidden = [one for one, inner in (properties or {}).items() if _SCOPES in inner and not may(inner[_SCOPES])]
        if hidden:
            found[name] = {**schema, "properties": {n: one for n, one in properties.items() if n not in hidden}}
        else:
            found[name] = schema
    return found


def _without_links(document: Document, names: Collection[str]) -> Document:
    copied: Document = json.loads(json.dumps(document["paths"]))
    for item in copied.values():
        for method, one in item.items():
            if method in _METHODS:
                for answer in one["responses"].values():
                    links = answer.get("links")
                    if links:
                        answer["links"] = {name: link for name, link in links.items() if name in names}
    return {**document, "paths": copied}


def _pruned(document: Document) -> Document:
    """Keep the components that something refers to."""
    components = document["components"]
    wanted: set[tuple[str, str]] = set()
    pending = [document["paths"], document.get("webhooks", {})]
    while pending:
        for kind, name in _references(pending.pop()):
            if (kind, name) not in wanted:
                wanted.add((kind, name))
                pending.append(components[kind][name])
    kept = {
        kind: {name: one for name, one in members.items() if kind == "securitySchemes" or (kind, name) in wanted}
        for kind, members in components.items()
    }
    return {**document, "components": kept}


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith(_COMPONENTS):
            kind, name = target.removeprefix(_COMPONENTS).split("/", 1)
            yield kind, name
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)

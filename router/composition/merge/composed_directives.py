"""@composeDirective: custom directives of linked features that a subgraph wants to see in the supergraph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.composition.merge.merging import Composed, Merging
from router.composition.merge.wording import subgraphs
from router.federation.elements import Applied, Value, places
from router.federation.spec import FEDERATION, INACCESSIBLE, TAG, Link
from router.federation.subgraph import Subgraph
from router.federation.suggestions import did_you_mean, nearest

_OURS = frozenset((FEDERATION, TAG, INACCESSIBLE))
_BY_DEFAULT = frozenset(("tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context"))


@dataclass(frozen=True, slots=True)
class _Wish:
    """One directive that one subgraph composes."""

    index: int
    link: Link
    element: str
    name: str
    application: Applied


def collect_custom(merging: Merging) -> dict[str, Composed]:
    """Find the custom directives that travel; link their features and define them in the supergraph."""
    wishes = [wish for index, subgraph in enumerate(merging.subgraphs) for wish in _wishes(merging, index, subgraph)]
    wishes = _consistent(merging, wishes)
    composed: dict[str, Composed] = {}
    for identity in dict.fromkeys(wish.link.url.identity for wish in wishes):
        group = [wish for wish in wishes if wish.link.url.identity == identity]
        composed |= _compose(merging, group, _newest(merging, identity, {wish.index for wish in group}))
    _hint_versions(merging)
    _hint_names(merging, wishes)
    return composed


def _wishes(merging: Merging, index: int, subgraph: Subgraph) -> list[_Wish]:
    found = []
    for application in subgraph.applications(subgraph.schema, "composeDirective"):
        name = application.arguments.get("name")
        problem = _problem(subgraph, name)
        if problem is not None:
            at = subgraph.place(application.node)
            merging.error("DIRECTIVE_COMPOSITION_ERROR", problem, [at] if at else [])
            continue
        bare = str(name)[1:]
        source = subgraph.links.source_of_directive(bare)
        if (
            source is not None
            and source[0].url.identity not in _OURS
            and _conflicts(merging, subgraph, application, bare)
        ):
            continue
        if source is None or source[0].url.identity == FEDERATION:
            _by_default(merging, subgraph, application, bare, source[1] if source else bare)
        else:
            found.append(_Wish(index, source[0], source[1], bare, application))
    return found


def _conflicts(merging: Merging, subgraph: Subgraph, application: Applied, name: str) -> bool:
    """Whether other subgraphs mean a directive of federation by a name; they all do who link it."""
    for element in ("tag", "inaccessible"):
        others = [other.name for other in merging.subgraphs if other.name_of(element) == name]
        if others:
            merging.error(
                "DIRECTIVE_COMPOSITION_ERROR",
                f'Directive "@{name}" in subgraph "{subgraph.name}" cannot be composed because it conflicts with automatically composed '
                f'federation directive "@{element}". Conflict exists in subgraph(s): ({",".join(others)})',
                places(subgraph.name, (application.node,)),
            )
            return True
    return False


def _problem(subgraph: Subgraph, name: Value) -> str | None:
    where = f'in subgraph "{subgraph.name}"'
    if not isinstance(name, str) or not name:
        return f"Argument to @composeDirective {where} cannot be NULL or an empty String"
    if not name.startswith("@"):
        return f'Argument to @composeDirective "{name}" {where} must have a leading "@"'
    if subgraph.links.source_of_directive(name[1:]) is None:
        if name[1:] in subgraph.schema.directives or name[1:] in {"skip", "include", "deprecated", "specifiedBy"}:
            return f'Directive "{name}" {where} cannot be composed because it is not a member of a core feature'
        return _unknown(subgraph, name)
    return None if name[1:] in subgraph.schema.directives else _unknown(subgraph, name)


def _unknown(subgraph: Subgraph, name: str) -> str:
    guess = did_you_mean(nearest(name, [f"@{known}" for known in subgraph.schema.directives]))
    where = f'in subgraph "{subgraph.name}"'
    return f'Could not find matching directive definition for argument to @composeDirective "{name}" {where}.{guess}'


def _by_default(merging: Merging, subgraph: Subgraph, application: Applied, name: str, element: str) -> None:
    at = subgraph.place(application.node)
    if element in _BY_DEFAULT:
        merging.hint(
            "DIRECTIVE_COMPOSITION_INFO",
            f'Directive "@{name}" should not be explicitly manually composed since it is a federation directive composed by default',
            f"@{name}",
            [at] if at else [],
        )
    else:
        merging.error(
            "DIRECTIVE_COMPOSITION_ERROR",
            f'Composing federation directive "@{name}" in subgraph "{subgraph.name}" is not supported',
            [at] if at else [],
        )


def _consistent(merging: Merging, wishes: list[_Wish]) -> list[_Wish]:
    """Keep the wishes on which all subgraphs agree; refuse the others."""
    refused: set[str] = set()
    for identity in dict.fromkeys(wish.link.url.identity for wish in wishes):
        majors = {wish.link.url.version.major for wish in wishes if wish.link.url.identity == identity}
        if len(majors) > 1:
            group = list({wish.index: wish for wish in wishes if wish.link.url.identity == identity}.values())
            nodes = [merging.subgraphs[wish.index].place(wish.link.applied.node) for wish in group]
            merging.error(
                "DIRECTIVE_COMPOSITION_ERROR",
                f'Core feature "{identity}" requested to be merged has major version mismatch across subgraphs',
                [node for node in nodes if node],
            )
            refused.add(identity)
    for name in dict.fromkeys(wish.name for wish in wishes):
        group = [wish for wish in wishes if wish.name == name]
        if len({(wish.link.url.identity, wish.element) for wish in group}) > 1:
            message = f'Composed directive "@{name}" is not linked by the same core feature in every subgraph'
            _refuse(merging, group, message)
            refused |= {wish.link.url.identity for wish in group}
    for key in dict.fromkeys((wish.link.url.identity, wish.element) for wish in wishes):
        group = [wish for wish in wishes if (wish.link.url.identity, wish.element) == key]
        if len({wish.name for wish in group}) > 1:
            told = " and ".join(f'"@{wish.name}" in {subgraphs(merging.names([wish.index]))}' for wish in group)
            _refuse(merging, group, f"Composed directive is not named consistently in all subgraphs but {told}")
            refused.add(key[0])
    return [wish for wish in wishes if wish.link.url.identity not in refused]


def _refuse(merging: Merging, group: Sequence[_Wish], message: str) -> None:
    nodes = [merging.subgraphs[wish.index].place(wish.application.node) for wish in group]
    merging.error("DIRECTIVE_COMPOSITION_ERROR", message, [node for node in nodes if node])


def _links(merging: Merging, identity: str) -> dict[int, Link]:
    return {i: link for i, s in enumerate(merging.subgraphs) if (link := s.links.by_identity.get(identity)) is not None}


def _newest(merging: Merging, identity: str, wishing: set[int]) -> tuple[int, ...]:
    """The subgraphs that link the newest version that is composed, whether or not they compose it themselves."""
    links = {
        i: link for i, s in enumerate(merging.subgraphs) if (link := s.links.by_identity.get(identity)) is not None
    }
    newest = max(links[index].url.version for index in wishing)
    return tuple(index for index, link in links.items() if link.url.version == newest)


def _hint_versions(merging: Merging) -> None:
    """Major versions may differ as long as nobody composes them; it is worth a word."""
    for identity in dict.fromkeys(identity for s in merging.subgraphs for identity in s.links.by_identity):
        links = _links(merging, identity)
        if len({link.url.version.major for link in links.values()}) > 1:
            nodes = [merging.subgraphs[index].place(link.applied.node) for index, link in links.items()]
            merging.hint(
                "DIRECTIVE_COMPOSITION_INFO",
                f'Non-composed core feature "{identity}" has major version mismatch across subgraphs',
                None,
                [node for node in nodes if node],
            )


def _hint_names(merging: Merging, wishes: Sequence[_Wish]) -> None:
    """A subgraph that does not compose a directive may import it under another name; the day it does, it may not."""
    for identity, element, name in dict.fromkeys((wish.link.url.identity, wish.element, wish.name) for wish in wishes):
        wishing = {wish.index for wish in wishes if wish.link.url.identity == identity}
        others = [link for i, link in _links(merging, identity).items() if i not in wishing]
        if any(
            entry.name == f"@{element}" and entry.known_as != f"@{name}" for link in others for entry in link.imports
        ):
            merging.hint(
                "DIRECTIVE_COMPOSITION_WARN",
                f'Composed directive "@{name}" is named differently in a subgraph that doesn\'t export it. '
                "Consistent naming will be required to export it.",
                None,
                [],
            )


def _compose(merging: Merging, group: Sequence[_Wish], newest: tuple[int, ...]) -> dict[str, Composed]:
    link = merging.subgraphs[newest[-1]].links.by_identity[group[0].link.url.identity]
    names = {wish.element: wish.name for wish in group}
    composed: dict[str, Composed] = {}
    for element, name in names.items():
        owners = [i for i in newest if name in merging.subgraphs[i].schema.directives]
        if not owners:
            index = newest[-1]
            at = merging.subgraphs[index].place(link.applied.node)
            merging.error(
                "DIRECTIVE_COMPOSITION_ERROR",
                f'Core feature "{link.url}" in subgraph "{merging.subgraphs[index].name}" does not have a directive definition for '
                f'"@{name}"',
                [at] if at else [],
            )
            continue
        definition = merging.subgraphs[owners[-1]].schema.directives[name]
        merging.supergraph.directives[name] = definition
        origins = frozenset(wish.index for wish in group if wish.name == name)
        composed[name] = Composed(name, element, definition.repeatable, origins=origins)
    imports: list[Value] = [f"@{e}" if e == n else {"name": f"@{e}", "as": f"@{n}"} for e, n in names.items()]
    merging.supergraph.applied.append(Applied("link", {"url": str(link.url), "import": tuple(imports)}))
    return composed

"""Fewer fetches for the same answer.

Theory
------
Fetches to one subgraph about one place can be one fetch, unless one waits for the other, directly or through others:

    0 crm ──► 1 reviews (plain fields)                       0 crm ──► 2 prices ──► 1+3 reviews
      └─────► 2 prices ──► 3 reviews (needs the price)   ⇒

The joint fetch waits for all that either waited for. It may thus start later than the earlier one would have, and so
may those that wait for it: a merge is kept only if the whole costs less than before, in the currency in which
paths were chosen (`router.graph.steps`): a request saved is worth it, an extra round trip at the end is not. A fetch that
runs under a condition, and needs what is only there under that condition, is no partner for one that runs always.

Before that, what fetches nothing is dropped; after that, waiting is reduced to what it takes (if 3 waits for 2 and 2 for
0, 3 need not say that it waits for 0), and fetches that ask the same of the same subgraph about one place
reached through different types are joined into one whose path names all the types. Where they ask for different things
they stay apart, since a joint one would ask each type for what the client wants of the other; such fetches, and those about
different places, share a request when they run (`router.executor.together`).
"""

from __future__ import annotations

from dataclasses import replace

from router.graph.allowance import Allowance
from router.graph.selections import Deferral, common_guards, merged
from router.graph.steps import FETCH_COST, STAGE_COST
from router.planner.fetch_graph import FetchGraph, FetchStep, answers_clash, clash, joined
from router.planner.query_plan import Path
from router.planner.shares import ContextInput, Input, contexts_clash, joined_contexts, joined_shares

_Target = tuple[str, Path, bool, Deferral | None]


def optimize(graph: FetchGraph, allowance: Allowance) -> FetchGraph:
    """Apply all passes, in order."""
    return _reduced(_widened(_merged(_without_empty(graph), allowance)))


def levels(graph: FetchGraph) -> dict[int, int]:
    """The stage at which each fetch can start."""
    by_id = {step.id: step for step in graph}
    found: dict[int, int] = {}

    def level(number: int) -> int:
        if number not in found:
            found[number] = max((level(need) + 1 for need in by_id[number].needs), default=0)
        return found[number]

    for step in graph:
        level(step.id)
    return found


def cost(graph: FetchGraph) -> int:
    """What all fetches cost, each according to its stage."""
    return sum(STAGE_COST * level or FETCH_COST for level in levels(graph).values())


def ancestors(graph: FetchGraph) -> dict[int, frozenset[int]]:
    """All that each fetch waits for, directly or through others."""
    by_id = {step.id: step for step in graph}
    found: dict[int, frozenset[int]] = {}

    def above(number: int) -> frozenset[int]:
        if number not in found:
            needs = by_id[number].needs
            found[number] = needs.union(*(above(need) for need in needs))
        return found[number]

    for step in graph:
        above(step.id)
    return found


def _without_empty(graph: FetchGraph) -> FetchGraph:
    """Drop fetches without output, as long as there are any: what only they waited for may fall with them."""
    while empty := {step.id for step in graph if not step.output}:
        needs = {step.id: step.needs for step in graph}
        graph = tuple(
            replace(step, needs=frozenset(_past(step.needs, empty, needs))) for step in graph if step.id not in empty
        )
    return graph


def _past(needs: frozenset[int], empty: set[int], all_needs: dict[int, frozenset[int]]) -> set[int]:
    found: set[int] = set()
    for need in needs:
        found |= _past(all_needs[need], empty, all_needs) if need in empty else {need}
    return found


def _target(step: FetchStep) -> _Target:
    return (step.graph, step.path, step.is_entity, step.deferral)


def _merged(graph: FetchGraph, allowance: Allowance) -> FetchGraph:
    """Join pairs for as long as one of them makes the whole cheaper."""
    while (better := _merge_one(graph, allowance)) is not None:
        graph = better
    return graph


def _merge_one(graph: FetchGraph, allowance: Allowance) -> FetchGraph | None:
    above, before = ancestors(graph), cost(graph)
    groups: dict[_Target, list[FetchStep]] = {}
    for step in graph:
        groups.setdefault(_target(step), []).append(step)
    for group in groups.values():
        for index, first in enumerate(group):
            for second in group[index + 1 :]:
                if first.id in above[second.id] or second.id in above[first.id]:
                    continue
                if not _may_join(first, second):
                    continue
                allowance.look()
                candidate = _with_merged(graph, first, second)
                if cost(candidate) < before:
                    return candidate
    return None


def _may_join(first: FetchStep, second: FetchStep) -> bool:
    """Whether neither would make the other wait for data that are only fetched under a condition of its own.

    Nor can they, if one sends under a name what is not the same for the other.
    """
    if clash({(item.type_name, item.sent_as): item.requires for item in _joined_inputs(first, second)}):
        return False
    if contexts_clash(joined_contexts(first.contexts, second.contexts)):
        return False
    if answers_clash((item.key for item in _joined_inputs(first, second)), (*first.output, *second.output)):
        return False
    own, other = common_guards(first.output), common_guards(second.output)
    return (own <= other or first.is_certain or _needs_no_more(first, second)) and (
        other <= own or second.is_certain or _needs_no_more(second, first)
    )


def _needs_no_more(step: FetchStep, other: FetchStep) -> bool:
    known = {(item.type_name, item.sent_as): set(item.requires) for item in other.inputs}
    return set(step.contexts) <= set(other.contexts) and all(
        set(item.requires) <= known.get((item.type_name, item.sent_as), set()) for item in step.inputs
    )


def _with_merged(graph: FetchGraph, first: FetchStep, second: FetchStep) -> FetchGraph:
    both = replace(
        first,
        inputs=_joined_inputs(first, second),
        output=merged((*first.output, *second.output)),
        needs=first.needs | second.needs,
        is_certain=first.is_certain and second.is_certain,
        shares=joined_shares((*first.shares, *second.shares)),
        contexts=joined_contexts(first.contexts, second.contexts),
    )
    return _replaced(graph, both, second.id)


def _replaced(graph: FetchGraph, both: FetchStep, gone: int) -> FetchGraph:
    def renamed(step: FetchStep) -> FetchStep:
        if gone not in step.needs:
            return step
        return replace(step, needs=(step.needs - {gone}) | {both.id})

    return tuple(renamed(both if step.id == both.id else step) for step in graph if step.id != gone)


def _joined_inputs(first: FetchStep, second: FetchStep) -> tuple[Input, ...]:
    found: dict[tuple[str, str | None], Input] = {}
    for item in (*first.inputs, *second.inputs):
        key = (item.type_name, item.sent_as)
        known = found.get(key)
        found[key] = replace(item, requires=joined((*known.requires, *item.requires))) if known else item
    return tuple(found.values())


def _widened(graph: FetchGraph) -> FetchGraph:
    """Join fetches that are equal but for the types on their path, and then those that waited for them, and so on."""
    while True:
        kept: dict[object, list[FetchStep]] = {}
        gone: dict[int, int] = {}
        for step in graph:
            _widen(kept.setdefault(_but_for_types(step), []), step, gone)
        if not gone:
            return graph
        graph = tuple(
            replace(step, needs=frozenset(gone.get(need, need) for need in step.needs))
            for steps in kept.values()
            for step in steps
        )


def _but_for_types(step: FetchStep) -> object:
    shares = tuple((share.inputs, share.output, _untyped(share.contexts)) for share in step.shares)
    contexts = _untyped(step.contexts)
    asked = (step.graph, _bare(step.path), step.inputs, step.output, contexts, shares)
    return (*asked, step.needs, step.is_entity, step.deferral)


def _untyped(contexts: tuple[ContextInput, ...]) -> object:
    """What is handed down from equally far above, whatever the types are there."""
    return tuple(
        (item.variable, frozenset((_bare(source.path), source.from_key) for source in item.sources))
        for item in contexts
    )


def _widened_contexts(first: tuple[ContextInput, ...], second: tuple[ContextInput, ...]) -> tuple[ContextInput, ...]:
    return tuple(
        replace(one, sources=tuple(dict.fromkeys((*one.sources, *two.sources))))
        for one, two in zip(first, second, strict=True)
    )


def _widened_step(first: FetchStep, second: FetchStep, path: Path) -> FetchStep:
    return replace(
        first,
        path=path,
        contexts=_widened_contexts(first.contexts, second.contexts),
        shares=tuple(
            replace(one, contexts=_widened_contexts(one.contexts, two.contexts))
            for one, two in zip(first.shares, second.shares, strict=True)
        ),
    )


def _widen(known: list[FetchStep], step: FetchStep, gone: dict[int, int]) -> None:
    for index, other in enumerate(known):
        if (path := _joined_path(other.path, step.path)) is not None:
            known[index] = _widened_step(other, step, path)
            gone[step.id] = other.id
            return
    known.append(step)


def _bare(path: Path) -> Path:
    return tuple(part for part in path if not part.startswith("|"))


def _joined_path(first: Path, second: Path) -> Path | None:
    """One path for both; None if it would lead to more than the two together."""
    if len(first) != len(second):
        return None
    differing = [index for index, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]]
    if len(differing) != 1 or not first[differing[0]].startswith("|"):
        return None
    index = differing[0]
    types = {*first[index][2:-1].split(","), *second[index][2:-1].split(",")}
    return (*first[:index], f"|[{','.join(sorted(types))}]", *first[index + 1 :])


def _reduced(graph: FetchGraph) -> FetchGraph:
    """Leave out needs that other needs imply."""
    above = ancestors(graph)
    return tuple(
        replace(step, needs=frozenset(need for need in step.needs if not any(need in above[one] for one in step.needs)))
        for step in graph
    )

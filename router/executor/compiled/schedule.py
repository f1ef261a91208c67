"""In which order the fetches of a compiled plan run, as a graph: what each one waits for, and whom it can travel with.

    accounts ──► reviews ──┬──► products ──► inventory        needs:  reviews {accounts}, products {reviews}, …
                           └──► accounts                      then:   accounts (reviews), reviews (products, accounts), …

The plan says it as a tree of sequences and parallels. Laid out flat, nobody has to wait in a task of its own: whoever ends
counts down those that come after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import print_ast

from router.executor.compiled.program import AtOnce, InOrder, Node, Program, Request
from router.executor.together import head_of


@dataclass(frozen=True, slots=True)
class Schedule:
    """The fetches of a program, each with a number."""

    requests: tuple[Request, ...]
    needs: tuple[frozenset[int], ...]
    """What has to be there before."""
    first: tuple[int, ...]
    """Those that wait for nothing."""
    waits: tuple[int, ...]
    """For how many others each one waits."""
    then: tuple[tuple[int, ...], ...]
    """Who waits for it."""
    questions: tuple[str | None, ...]
    """What entities are asked for, whatever the operation's name; None for a fetch that always goes alone."""
    together: Mapping[str, tuple[int, ...]]
    """Fetches that can go in one request, by service; only where there are several."""


def schedule_of(program: Program) -> Schedule:
    """Lay a program out flat."""
    requests: list[Request] = []
    needs: list[frozenset[int]] = []
    if program.node is not None:
        _lay(program.node, frozenset(), requests, needs)
    then = tuple(tuple(late for late, early in enumerate(needs) if number in early) for number in range(len(requests)))
    questions = tuple(map(_question, requests))
    first = tuple(number for number, needed in enumerate(needs) if not needed)
    waits = tuple(map(len, needs))
    return Schedule(tuple(requests), tuple(needs), first, waits, then, questions, _together(requests, questions))


def _lay(node: Node, before: frozenset[int], requests: list[Request], needs: list[frozenset[int]]) -> frozenset[int]:
    """Return whom those have to wait for that come after this node."""
    match node:
        case Request():
            requests.append(node)
            needs.append(before)
            return frozenset({len(requests) - 1})
        case InOrder(nodes=nodes):
            for each in nodes:
                before = _lay(each, before, requests, needs)
            return before
        case AtOnce(nodes=nodes):
            return frozenset().union(*(_lay(each, before, requests, needs) for each in nodes))


def _question(request: Request) -> str | None:
    head = head_of(request.fetch.operation) if request.table is not None else None
    if head is None:
        return None
    return " ".join(map(print_ast, (*(head.operation.variable_definitions or ()), head.field)))


def _together(requests: Sequence[Request], questions: Sequence[str | None]) -> dict[str, tuple[int, ...]]:
    by_service: dict[str, list[int]] = {}
    for number, (request, question) in enumerate(zip(requests, questions, strict=True)):
        if question is not None:
            by_service.setdefault(request.fetch.service_name, []).append(number)
    return {name: tuple(numbers) for name, numbers in by_service.items() if len(numbers) > 1}

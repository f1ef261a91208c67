"""How the arguments of a directive that may be applied once are merged when subgraphs apply it differently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import TypeAlias

from router.federation.elements import Value, printed

# The values of one argument in all subgraphs that apply the directive; None where the argument is not given.
Strategy: TypeAlias = tuple[str, Callable[[Sequence[Value]], Value]]


def _numbers(values: Iterable[Value]) -> list[int]:
    return [value for value in values if isinstance(value, int)]


def _maximum(values: Sequence[Value]) -> Value:
    return max(_numbers(values), default=None)


def _union(values: Sequence[Value]) -> Value:
    lists = [value for value in values if isinstance(value, tuple)]
    return (
        tuple(dict.fromkeys(entry for entries in lists for entry in entries if isinstance(entry, str)))
        if lists
        else None
    )


def _conjunction_or_default(values: Sequence[Value]) -> Value:
    """The default is true, hence who says nothing says that."""
    return all(value for value in values if isinstance(value, bool))


def _disjunctive_normal_form(values: Sequence[Value]) -> Value:
    """All subgraphs must be satisfied: the conjunction of disjunctions of conjunctions, multiplied out and absorbed.

    `[["a"], ["b"]]` and `[["a"], ["c"]]` give `[["a"], ["b", "c"]]`, as `a ∧ c` says nothing that `a` does not.
    """
    forms = list({printed(value): value for value in values if value and isinstance(value, tuple)}.values())
    if not forms:
        return ()
    clauses: list[frozenset[str]] = []
    for choice in product(*(_clauses(form) for form in forms)):
        clause = frozenset[str]().union(*choice)
        if clause not in clauses:
            clauses.append(clause)
    kept = [clause for clause in clauses if not any(other < clause for other in clauses)]
    return tuple(sorted((tuple(sorted(clause)) for clause in kept), key=lambda clause: (len(clause), clause)))


def _clauses(form: Value) -> list[frozenset[str]]:
    if not isinstance(form, tuple):
        return []
    return [frozenset(e for e in clause if isinstance(e, str)) for clause in form if isinstance(clause, tuple)]


_STRATEGIES: dict[str, dict[str, Strategy]] = {
    "cost": {"weight": ("MAX", _maximum)},
    "listSize": {
        "assumedSize": ("NULLABLE_MAX", _maximum),
        "slicingArguments": ("NULLABLE_UNION", _union),
        "sizedFields": ("NULLABLE_UNION", _union),
        "requireOneSlicingArgument": ("NULLABLE_AND", _conjunction_or_default),
    },
    "requiresScopes": {"scopes": ("DNF_CONJUNCTION", _disjunctive_normal_form)},
    "policy": {"policies": ("DNF_CONJUNCTION", _disjunctive_normal_form)},
}


def strategies(directive: str) -> dict[str, Strategy]:
    """The strategies for the arguments of a directive, by argument."""
    return _STRATEGIES.get(directive, {})

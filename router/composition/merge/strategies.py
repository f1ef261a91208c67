"""How the arguments of a directive that may be applied once are merged when subgraphs apply it differently."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import TypeAlias

from router.federation.elements import Value

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


_Clause: TypeAlias = tuple[str, ...]


def _disjunctive_normal_form(values: Sequence[Value]) -> Value:
    """All subgraphs must be satisfied: the conjunction of disjunctions of conjunctions, multiplied out and absorbed.

    `[["a"], ["b"]]` and `[["a"], ["c"]]` give `[["a"], ["b", "c"]]`, as `a ∧ c` says nothing that `a` does not.
    """
    first, *others = dict.fromkeys(_clauses(value) for value in values if isinstance(value, tuple)) or [()]
    found: Sequence[_Clause] = first
    for form in others:
        multiplied = (_both(clause, more) for clause, more in product(found, form))
        found = _absorbed(dict.fromkeys(multiplied))
    return tuple(found)


def _clauses(form: tuple[Value, ...]) -> tuple[_Clause, ...]:
    """The conjunctions in a fixed order; who demands nothing demands what is always true."""
    clauses = (sorted(e for e in clause if isinstance(e, str)) for clause in form if isinstance(clause, tuple))
    written = sorted(clauses, key=lambda clause: json.dumps(clause, separators=(",", ":"), ensure_ascii=False))
    return tuple(map(tuple, written)) or ((),)


def _both(clause: _Clause, more: _Clause) -> _Clause:
    return tuple(sorted((*clause, *(entry for entry in more if entry not in clause))))


def _absorbed(clauses: Iterable[_Clause]) -> list[_Clause]:
    """The shortest first, and without those that ask for more than another one."""
    kept: list[_Clause] = []
    for clause in sorted(clauses, key=len):
        if not any(set(other) <= set(clause) for other in kept):
            kept.append(clause)
    return kept


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

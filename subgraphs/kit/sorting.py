"""The order of a list, chosen by who asks: every connection of the roots takes `sort`, and no resolver says a word about it.

    sort: "-updatedAt,number"        the last changed first; of those that changed at once, by number

`sortable` gives the fields their argument and keeps what was asked while the resolver runs; `paging.page` takes it from
here. A field whose resolver does not page by `paging.page` can't be sorted, and says so when somebody tries.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Final

import strawberry
from sqlalchemy import inspect as inspect_row
from strawberry.types.fields.resolver import StrawberryResolver

from subgraphs.kit.errors import Invalid
from subgraphs.kit.shapes import camel
from subgraphs.kit.tables import Entity

MOST: Final = 3
_DESCRIPTION: Final = (
    "Names of fields, the most important first; with a minus, the greatest first: `-updatedAt,number`."
)

Sort = Annotated[str | None, strawberry.argument(description=_DESCRIPTION)]


@dataclass(slots=True)
class Asked:
    """What was asked, until somebody has taken it into account."""

    text: str
    taken: bool = False


_ASKED: Final[ContextVar[Asked | None]] = ContextVar("psa_sort", default=None)


def sortable(query: type) -> None:
    """Give every field of `query` that answers a connection the argument `sort`."""
    for field in query.__strawberry_definition__.fields:  # type: ignore[attr-defined]
        resolver = field.base_resolver
        if resolver is None or hasattr(resolver.wrapped_func, "psa_sortable"):
            continue
        signature = inspect.signature(resolver.wrapped_func)
        # What is asked `since` a cursor is a feed: it has one order, or nobody could go on.
        if "Connection" in str(signature.return_annotation) and not {"sort", "since"} & signature.parameters.keys():
            field.base_resolver = StrawberryResolver(_sorted(resolver.wrapped_func, signature))


def _sorted(resolve: Callable[..., Awaitable[Any]], signature: inspect.Signature) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(resolve)
    async def run(*args: Any, sort: str | None = None, **kwargs: Any) -> Any:
        asked = Asked(sort) if sort is not None else None
        before = _ASKED.set(asked)
        try:
            found = await resolve(*args, **kwargs)
        finally:
            _ASKED.reset(before)
        if asked is not None and not asked.taken:
            raise Invalid("This list can't be sorted.", field="sort")
        return found

    added = inspect.Parameter("sort", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Sort)
    parameters = [*signature.parameters.values(), added]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {**resolve.__annotations__, "sort": Sort}
    run.psa_sortable = True  # type: ignore[attr-defined]
    return run


def wanted(model: type[Entity], shape: Callable[..., Any]) -> list[tuple[Any, bool]] | None:
    """The columns by which the list is to be sorted, and whether each falls; None when nobody asked."""
    asked = _ASKED.get()
    if asked is None:
        return None
    asked.taken = True
    known = _columns(model, shape)
    found: dict[str, tuple[Any, bool]] = {}
    for part in asked.text.split(","):
        name = part.strip()
        falls = name.startswith("-")
        column = known.get(name.removeprefix("-"))
        if column is None or name.removeprefix("-") in found:
            names = sorted(known)
            message = f"sort takes each of these once: {', '.join(names)}; not {name!r}."
            raise Invalid(message, field="sort", allowed=[word for one in names for word in (one, f"-{one}")])
        found[name.removeprefix("-")] = (column, falls)
    if len(found) > MOST:
        raise Invalid(f"sort takes at most {MOST} fields, not {len(found)}.", field="sort")
    return list(found.values())


def _columns(model: type[Entity], shape: Callable[..., Any]) -> dict[str, Any]:
    """What is shown of a row and always there: a place after nothing is no place."""
    shown = getattr(getattr(shape, "__self__", None), "__annotations__", {})
    attributes = inspect_row(model).column_attrs
    return {
        camel(one.key): getattr(model, one.key)
        for one in attributes
        if not one.columns[0].nullable
        and one.key in shown
        and one.key != "id"
        and issubclass(_kind(one), bool | str | int | date | Enum)
    }


def _kind(attribute: Any) -> type[Any]:
    try:
        kind: type[Any] = attribute.columns[0].type.python_type
    except NotImplementedError:  # JSON may be anything
        return object
    return kind

"""From a manifest to a federated schema: types, their descriptions, and what happens to errors.

A docstring is the description: the class docstring describes the type, the resolver's docstring its field, and the
string under an attribute that attribute. Strawberry would drop them; `describe` carries them into the schema, and from
there they reach the SDL, the explorer and OpenAPI. Nothing is explained twice.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
import textwrap
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import structlog
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    Undefined,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from strawberry.extensions import MaxTokensLimiter, ParserCache, SchemaExtension, ValidationCache
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from subgraphs.kit import audit_log, dead_letter_log, leaves, partners, progress_log, sorting
from subgraphs.kit.context import Context
from subgraphs.kit.errors import Forbidden, Invalid, Refusal, Unavailable
from subgraphs.kit.module import Module

FEDERATION_VERSION: Final = "2.9"
"""The newest version that both open composers read."""
DOCUMENTS = 500
"""How many texts stay parsed and checked in a process; the router sends few different ones."""

_log = structlog.get_logger()
_NOT_NOW = frozenset({"57P03", "53300"})
"""What PostgreSQL says to who wants a connection while it starts or stops, or has too many."""


def schema(module: Module) -> Schema:
    """The module's subgraph, ready to answer queries and to print its SDL."""
    sorting.sortable(module.query)
    query = dead_letter_log.readable(audit_log.readable(module.query, module.name), module.name)
    whole = replace(
        module,
        query=progress_log.readable(query, module),
        mutation=dead_letter_log.settleable(module.mutation, module.name) if module.mutation else None,
        subscription=progress_log.watchable(module.subscription, module),
    )
    # Which types there are is known only when they're built, and what is printed only when it was tagged before.
    partners.tag(module, _built(whole))
    built = _built(whole)
    describe(built, foreign=module.extends)
    forget_null_defaults(built)
    leaves.mark(built._schema)  # noqa: SLF001 - as below
    return built


def _built(module: Module) -> _Quiet:
    return _Quiet(
        query=module.query,
        mutation=module.mutation,
        subscription=module.subscription,
        types=module.extends,
        federation_version=FEDERATION_VERSION,
        config=StrawberryConfig(),
        execution_context_class=leaves.Executor,
        extensions=[
            functools.partial(MaxTokensLimiter, max_token_count=15_000),
            # Looked up for each request.
            lambda: ParserCache(maxsize=DOCUMENTS),
            lambda: ValidationCache(maxsize=DOCUMENTS),
            TellErrors,
        ],
    )


def sdl(module: Module) -> str:
    """The module's SDL, as the registry gets it and as `contracts/graph` keeps it."""
    return schema(module).as_str().rstrip() + "\n"


class _Quiet(Schema):
    """A schema that leaves logging to `TellErrors`, which tells refusals from faults."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing: Strawberry would log every refusal as an error."""


class TellErrors(SchemaExtension):
    """Gives every error its code: refusals keep theirs, faults are masked and logged in full on our side."""

    async def on_operation(self) -> AsyncIterator[None]:
        """Rewrite the errors when the operation is done."""
        yield
        result = self.execution_context.result
        errors = getattr(result, "errors", None)
        if errors:
            await _record_refusals(self.execution_context.context, errors)
            result.errors = _told_all(errors)  # type: ignore[union-attr]

    def on_stream_result(self, result: Any) -> Iterator[None]:
        """Rewrite the errors of one event of a subscription."""
        errors = getattr(result, "errors", None)
        if errors:
            result.errors = _told_all(errors)
        yield


def _told_all(errors: list[GraphQLError]) -> list[GraphQLError]:
    _log_faults(errors)
    return [_told(error) for error in errors]


async def _record_refusals(context: Context | None, errors: list[GraphQLError]) -> None:
    """Write down who asked for what they may not see; commands do that themselves."""
    for error in errors:
        if context is not None and isinstance(error.original_error, Forbidden):
            action = ".".join(str(key) for key in error.path or () if isinstance(key, str))
            await context.refused(action, error.original_error)


def _log_faults(errors: list[GraphQLError]) -> None:
    """Log each fault once, however many fields it took down."""
    faults = {id(error.original_error): error for error in errors if _is_fault(error.original_error)}
    for error in faults.values():
        _log.error("resolver.failed", path=error.path, exc_info=error.original_error)


def _is_fault(cause: BaseException | None) -> bool:
    return cause is not None and not isinstance(cause, GraphQLError | Refusal)


def _told(error: GraphQLError) -> GraphQLError:
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED", **(error.extensions or {})}
        return error
    if isinstance(cause, Refusal):
        return _with(error, cause.message, _reasons(cause))
    if isinstance(cause, PoolTimeout):  # nothing has begun: every connection to the database was taken
        return _with(error, "There is no room just now; ask again in a moment.", {"code": Unavailable.code})
    if _is_away(cause):
        return _with(error, "The data are out of reach just now; ask again in a moment.", {"code": Unavailable.code})
    return _with(error, "Something went wrong on our side.", {"code": "INTERNAL"})


def _is_away(cause: BaseException) -> bool:
    """Whether nothing has begun: there was no connection to the database to be had."""
    state = getattr(cause.orig, "sqlstate", None) if isinstance(cause, DBAPIError) else None
    return isinstance(cause, ConnectionRefusedError) or state in _NOT_NOW


def _reasons(cause: Refusal) -> dict[str, Any]:
    told: dict[str, Any] = {"code": cause.code} | ({"field": cause.field} if cause.field else {})
    if isinstance(cause, Invalid):
        told["code"] = "BAD_USER_INPUT"
        if cause.allowed:
            told["allowed"] = list(cause.allowed)
    return told


def _with(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions)


def describe(built: Schema, *, foreign: tuple[type, ...] = ()) -> None:
    """Carry docstrings into the schema wherever it has no description yet.

    `foreign` entities are described by the module that owns them: here only the fields that are added to them are.
    """
    for graphql_type in built._schema.type_map.values():  # noqa: SLF001 - Strawberry has no public way to its types
        definition = (graphql_type.extensions or {}).get("strawberry-definition")
        origin = getattr(definition, "origin", None) or getattr(definition, "wrapped_cls", None)
        if isinstance(origin, type):
            if origin not in foreign:
                graphql_type.description = graphql_type.description or _class_words(origin)
            _describe_members(graphql_type, origin)
            if origin in foreign and isinstance(graphql_type, GraphQLObjectType):
                graphql_type.fields["id"].description = None


def forget_null_defaults(built: Schema) -> None:
    """Drop `= null`, which Strawberry prints for every optional argument: absent already means that."""
    for graphql_type in built._schema.type_map.values():  # noqa: SLF001 - as above
        match graphql_type:
            case GraphQLInputObjectType():
                given = list(graphql_type.fields.values())
            case GraphQLObjectType() | GraphQLInterfaceType():
                given = [argument for field in graphql_type.fields.values() for argument in field.args.values()]
            case _:
                continue
        for one in given:
            if one.default_value is None:
                one.default_value = Undefined


def _describe_members(graphql_type: Any, origin: type) -> None:
    words = attribute_words(origin)
    match graphql_type:
        case GraphQLObjectType() | GraphQLInterfaceType() | GraphQLInputObjectType():
            for field in graphql_type.fields.values():
                definition = (field.extensions or {}).get("strawberry-definition")
                python_name = getattr(definition, "python_name", "")
                resolver = getattr(definition, "base_resolver", None)
                spoken = resolver and inspect.getdoc(resolver.wrapped_func)
                field.description = field.description or spoken or words.get(python_name)
        case GraphQLEnumType():
            for name, value in graphql_type.values.items():
                value.description = value.description or words.get(name)
        case _:
            pass


def _class_words(origin: type) -> str | None:
    # Federation's Query is a class that Strawberry derives from ours, under the same name and without its words.
    for cls in origin.__mro__:
        words = cls.__dict__.get("__doc__")
        if cls.__name__ == origin.__name__ and words and not words.startswith(f"{cls.__name__}("):
            return inspect.cleandoc(words)
    return None


@functools.cache
def attribute_words(origin: type) -> dict[str, str]:
    """The strings under the attributes of a class and of the classes it was built from, by attribute."""
    words: dict[str, str] = {}
    for cls in reversed(origin.__mro__):
        words |= dict(_own_words(cls))
    return words


def _own_words(cls: type) -> Iterator[tuple[str, str]]:
    body = _source_of(cls)
    members = body.body if isinstance(body, ast.ClassDef) else []
    for member, following in itertools.pairwise(members):
        name = _assigned(member)
        if name and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            yield name, inspect.cleandoc(str(following.value.value))


def _source_of(cls: type) -> ast.stmt | None:
    """What stands in the file between `class` and its end."""
    found = _classes_in(cls.__module__).get(cls.__name__, ())
    if len(found) == 1:
        return found[0]
    try:  # none or several of this name
        return ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None


@functools.cache
def _classes_in(module: str) -> Mapping[str, list[ast.ClassDef]]:
    """The classes of a file by name. `inspect.getsource` would parse the file again for each of them: seconds in all."""
    classes: dict[str, list[ast.ClassDef]] = defaultdict(list)
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return classes
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            classes[node.name].append(node)
    return classes


def _assigned(member: ast.stmt) -> str | None:
    match member:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return None

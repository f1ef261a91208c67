"""Text in, a document out: parsed within bounds, and validated without telling more than it may."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.language import Lexer, Source, TokenKind
from graphql.validation import MaxIntrospectionDepthRule

from router.server import limits
from router.server.config.limits import LimitName, Limits
from router.server.limits import Excess, Warden
from router.server.refusals import Refused

_MOST_ERRORS: Final = 50
# How deep introspection may go is a limit here, with its own code.
_RULES: Final = tuple(rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule)
_OPENING: Final = frozenset({TokenKind.BRACE_L, TokenKind.PAREN_L, TokenKind.BRACKET_L})
_CLOSING: Final = frozenset({TokenKind.BRACE_R, TokenKind.PAREN_R, TokenKind.BRACKET_R})
_TOO_DEEP: Final = "nested too deeply"
_TOO_MANY: Final = "tokens. Parsing aborted"


def parsed(text: str, warden: Warden, *, registered: bool = False) -> tuple[DocumentNode, tuple[str, ...]]:
    """Parse a document; returns the limits, too, that it exceeds and that only measure."""
    allowed = warden.limits
    size = len(text.encode())
    measured = warden.judge(_excess("document_bytes", size, allowed.document_bytes), registered=registered)
    most_tokens = None if warden.lets_pass("tokens", registered=registered) else allowed.tokens
    # A level has a bracket, and a token a character: most documents need not be looked at twice.
    brackets = text.count("{") + text.count("(") + text.count("[")
    if brackets > allowed.recursion or (most_tokens is None and size > allowed.tokens):
        measured += warden.judge(_sizes(text, most_tokens, allowed), registered=registered)
    try:
        return parse(text, max_tokens=most_tokens), measured
    except GraphQLError as error:
        if _TOO_MANY in error.message:
            warden.judge([Excess("tokens", allowed.tokens + 1, allowed.tokens)], registered=registered)
        if _TOO_DEEP in error.message:
            # Deeper than the parser itself can follow, whatever the limit says.
            raise Excess("recursion", allowed.recursion + 1, allowed.recursion).refusal() from error
        raise Refused.because("GRAPHQL_PARSE_FAILED", [error]) from error


def _excess(name: LimitName, value: int, allowed: int) -> list[Excess]:
    return [Excess(name, value, allowed)] if value > allowed else []


def _sizes(text: str, most_tokens: int | None, allowed: Limits) -> list[Excess]:
    """Look at the tokens, and no further than the first one that is too much."""
    lexer = Lexer(Source(text))
    tokens = level = deepest = 0
    try:
        while (kind := lexer.advance().kind) is not TokenKind.EOF:
            tokens += 1
            level += (kind in _OPENING) - (kind in _CLOSING)
            deepest = max(deepest, level)
            if most_tokens is not None and tokens > most_tokens:
                break
    except GraphQLSyntaxError:
        pass  # the parser says it better
    return _excess("tokens", tokens, allowed.tokens) + _excess("recursion", deepest, allowed.recursion)


def chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation that is meant."""
    definition = get_operation_ast(document, name)
    if definition is None:
        missing = f"The document has no operation {name}." if name else "Name the one operation to execute."
        raise Refused("OPERATION_RESOLUTION_FAILURE", missing)
    return definition


@dataclass(frozen=True, slots=True)
class Admitted:
    """A valid document, the operation in it that is meant, and the limits that it exceeds and that only measure."""

    document: DocumentNode
    definition: OperationDefinitionNode
    measured: tuple[str, ...]


Stage = Callable[[str], AbstractContextManager[Any]]
"""Watches a part of the work, by its name."""


def unwatched(_name: str) -> AbstractContextManager[Any]:
    """Watch nothing."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Gate:
    """What a text has to pass to become an operation."""

    warden: Warden
    introspection: bool = True
    field_suggestions: bool = True
    redact_errors: bool = False

    def admit(
        self, schema: GraphQLSchema, text: str, name: str | None, *, registered: bool, stage: Stage = unwatched
    ) -> Admitted:
        """Parse, measure and validate; raises `Refused`."""
        try:
            return self._admit(schema, text, name, registered=registered, stage=stage)
        except RecursionError:
            # A chain of a thousand fragments is not deep by brackets, but for whoever follows it.
            raise Refused("MAX_RECURSION_LIMIT", "The document is nested too deep.") from None

    def _admit(self, schema: GraphQLSchema, text: str, name: str | None, *, registered: bool, stage: Stage) -> Admitted:
        with stage("query_parsing"):
            document, measured = parsed(text, self.warden, registered=registered)
        definition = chosen(document, name)
        size = limits.measure(document, definition)
        measured += self.warden.judge(limits.excesses(size, self.warden.limits), registered=registered)
        if size.asks_for_schema and not self.introspection:
            raise Refused("INTROSPECTION_DISABLED", "Introspection has been disabled.")
        with stage("query_validation"):
            self._validate(schema, document)
        return Admitted(document, definition, measured)

    def _validate(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        hide = not self.field_suggestions
        errors = validate(schema, document, _RULES, max_errors=_MOST_ERRORS, hide_suggestions=hide)
        if errors and self.redact_errors:
            raise Refused("UNKNOWN_ERROR", "invalid query")
        if errors:
            raise Refused.because("GRAPHQL_VALIDATION_FAILED", errors)

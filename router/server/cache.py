"""The operation cache: a document that was seen before is neither parsed, nor validated, nor planned again."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.language import Lexer, Source, TokenKind

from router.executor.operation import Operation
from router.planner.failures import PlanningFailed
from router.planner.planner import Planner
from router.server import limits
from router.server.config import Limits
from router.server.lru import Recent
from router.server.refusals import Refused

_MOST_ERRORS = 50


_Key = tuple[str, str | None, frozenset[str]]


class Operations:
    """The operations of one supergraph, by the digest of their document, their name and the labels they're planned for."""

    def __init__(self, schema: GraphQLSchema, planner: Planner, allowed: Limits, *, entries: int, weight: int) -> None:
        self._schema = schema
        self._planner = planner
        self._allowed = allowed
        self._ready: Recent[_Key, Operation] = Recent(entries, weight=weight)
        # Preparing is computing: beside the event loop, which goes on, but one at a time, for two would only take turns.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")
        self._pending: dict[_Key, asyncio.Future[Operation]] = {}

    async def find(self, text: str, name: str | None, labels: frozenset[str] = frozenset()) -> Operation:
        """Return the operation, ready to be executed while these override labels are active; raises `Refused`."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        key = (digest, name, labels)
        ready = self._ready.get(key)
        if ready is not None:
            return ready
        pending = self._pending.get(key)
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = self._pending[key] = loop.run_in_executor(self._worker, self._prepare, text, key)
            pending.add_done_callback(partial(self._prepared, key, len(text)))
        # Others may wait for the same one, so nobody's leaving ends it.
        return await asyncio.shield(pending)

    def _prepared(self, key: _Key, weight: int, done: asyncio.Future[Operation]) -> None:
        del self._pending[key]
        if not done.cancelled() and done.exception() is None:
            self._ready.put(key, done.result(), weight)

    def _prepare(self, text: str, key: _Key) -> Operation:
        digest, name, labels = key
        document = _parsed(text, self._allowed.tokens)
        definition = _chosen(document, name)
        limits.check(document, definition, self._allowed)
        errors = validate(self._schema, document, max_errors=_MOST_ERRORS)
        if errors:
            raise Refused.because("GRAPHQL_VALIDATION_FAILED", errors)
        try:
            plan = self._planner.plan(document, name, labels=labels)
        except PlanningFailed as failed:
            raise Refused(failed.code, failed.message) from failed
        return Operation.of(self._schema, document, definition, plan, digest)


def _parsed(text: str, most_tokens: int) -> DocumentNode:
    try:
        return parse(text, max_tokens=most_tokens)
    except GraphQLError as error:
        if _has_more_tokens(text, most_tokens):
            message = f"The document has more than {most_tokens} tokens."
            raise Refused("MAX_TOKENS_LIMIT", message) from error
        raise Refused.because("GRAPHQL_PARSE_FAILED", [error]) from error


def _has_more_tokens(text: str, most: int) -> bool:
    lexer = Lexer(Source(text))
    try:
        return all(lexer.advance().kind is not TokenKind.EOF for _ in range(most + 1))
    except GraphQLSyntaxError:
        return False


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    definition = get_operation_ast(document, name)
    if definition is None:
        missing = f"The document has no operation {name}." if name else "Name the one operation to execute."
        raise Refused("OPERATION_RESOLUTION_FAILURE", missing)
    return definition

"""One line for each operation: who, what, for which tenant, what came of it. Values only as the settings allow.

What was refused is written as well, with its codes; what is answered as a stream or in parts is written when it begins.
Documents and headers are never written: the operation's hash and name say what was asked.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from logging import INFO, LogRecord
from logging.handlers import QueueHandler, QueueListener, WatchedFileHandler
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from starlette.datastructures import Headers

from router.executor.execute import Result
from router.executor.operation import Operation
from router.server.access_log import Facts
from router.server.client_name import client_name
from router.server.config.audit import Audit
from router.server.pipeline import Client, Pipeline, Prepared
from router.server.refusals import Refused
from router.server.reload import Graph
from router.server.request import GraphQLRequest

if TYPE_CHECKING:  # at run time it brings all of cryptography along
    from router.server.authentication import Caller

_REDACTED: Final = "[redacted]"

log = structlog.get_logger(__name__)


class AuditLog:
    """Where the lines go: a file that a thread writes and that may be moved away, or the log of the process."""

    def __init__(self, settings: Audit) -> None:
        self.settings = settings
        self._queue: SimpleQueue[LogRecord] = SimpleQueue()
        self._handler = QueueHandler(self._queue)
        self._listener = None
        if settings.file is not None:
            self._listener = QueueListener(self._queue, WatchedFileHandler(settings.file, encoding="utf-8"))
            self._listener.start()

    def write(self, entry: Mapping[str, Any]) -> None:
        """Write one line."""
        told = {name: value for name, value in entry.items() if value is not None}
        if self._listener is None:
            log.info("audit", **told)
            return
        line = orjson.dumps(told, default=str).decode()
        self._handler.handle(LogRecord("audit", INFO, "", 0, line, None, None))

    def close(self) -> None:
        """Write what waits."""
        if self._listener is not None:
            self._listener.stop()
            for handler in self._listener.handlers:
                handler.close()

    def variables(self, given: Mapping[str, Any]) -> Any:
        """Return what may be written of variables."""
        return None if self.settings.variables == "none" or not given else self._allowed(given)

    def _allowed(self, value: Any, name: str = "") -> Any:
        settings = self.settings
        if any(word in name.lower() for word in settings.never):
            return _REDACTED
        match value:
            case Mapping():
                return {str(key): self._allowed(inner, str(key)) for key, inner in value.items()}
            case list() | tuple():
                return [self._allowed(inner, name) for inner in value]
            case None | bool() | int() | float() | str():
                return value if settings.variables == "shown" or name in settings.show else _REDACTED
            case _:
                return _REDACTED  # a file, for example


class _Audited(Pipeline):
    """A pipeline whose operations are written down."""

    audit: AuditLog

    async def identify(self, headers: Headers, facts: Facts) -> Caller | None:
        """Write down who was turned away."""
        try:
            return await super().identify(headers, facts)
        except Refused as refused:
            self._write(headers, facts, None, _codes(refused.errors), time.perf_counter())
            raise

    async def prepare(self, request: GraphQLRequest, client: Client, *, again: bool = False) -> Prepared:
        """Write down what was refused, or what came of it."""
        begun = time.perf_counter()
        headers, facts = client.headers, client.facts
        try:
            prepared = await super().prepare(request, client, again=again)
        except Refused as refused:
            self._write(headers, facts, request, _codes(refused.errors), begun, refused.operation, outcome="REFUSED")
            raise
        if prepared.is_subscription or prepared.is_deferred:
            self._write(headers, facts, request, [], begun, prepared.operation, outcome="STREAM")
            return prepared
        inner = prepared.around

        async def around(run: Coroutine[Any, Any, Result]) -> Result:
            codes = ["CANCELLED"]
            try:
                result = await (run if inner is None else inner(run))
                codes = _codes(result.errors)
            except Refused as refused:
                codes = _codes(refused.errors)
                raise
            finally:
                self._write(headers, facts, request, codes, begun, prepared.operation)
            return result

        return replace(prepared, around=around)

    def _admitted(self, operation: Operation, request: GraphQLRequest, client: Client) -> Mapping[str, Any]:
        with _naming(operation):
            return super()._admitted(operation, request, client)

    def _prepared(
        self,
        graph: Graph,
        operation: Operation,
        request: GraphQLRequest,
        client: Client,
        conditions: Mapping[str, Any],
    ) -> Prepared:
        with _naming(operation):
            return super()._prepared(graph, operation, request, client, conditions)

    def _write(
        self,
        headers: Headers,
        facts: Facts,
        request: GraphQLRequest | None,
        codes: list[str],
        begun: float,
        operation: Operation | None = None,
        *,
        outcome: str | None = None,
    ) -> None:
        self.audit.write(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "tenant": facts.tenant,
                "caller": facts.caller,
                "client.address": facts.address or None,
                "client.name": client_name(headers),
                "trace.id": facts.trace.trace_id,
                "graphql.operation.name": operation.name if operation else request and request.operation_name,
                "graphql.operation.type": operation.kind if operation else None,
                "graphql.operation.hash": operation.digest if operation else None,
                "variables": self.audit.variables(request.variables) if request else None,
                "outcome": outcome or ("FAILED" if codes else "OK") if operation else "REFUSED",
                "errors": sorted(set(codes)) or None,
                "ms": round((time.perf_counter() - begun) * 1000, 1),
            }
        )


@contextmanager
def _naming(operation: Operation) -> Iterator[None]:
    """Say of what is refused in here what it was."""
    try:
        yield
    except Refused as refused:
        refused.operation = operation
        raise


def audited(kind: type[Pipeline], audit: AuditLog) -> type[Pipeline]:
    """Return a pipeline of this kind whose operations are written down."""
    return type("AuditedPipeline", (_Audited, kind), {"audit": audit})


def _codes(errors: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(error.get("extensions", {}).get("code", "")) for error in errors]

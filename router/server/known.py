"""What is known of a request before anything is done for it: the usual one needs nothing but its variables looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from router.executor.direct import Told
from router.executor.fetch import FetchRecord
from router.executor.operation import Operation
from router.server.access_log import Facts
from router.server.reload import Graph

if TYPE_CHECKING:  # it brings all of cryptography along
    from router.server.authentication import Caller, Minter


@dataclass(slots=True)
class Known:
    """What is needed to prepare an operation, if it's there already.

    `usual` is one of which nothing is to be found out from one request to the next but its variables. It's kept, and with it
    what each of its requests notes.
    """

    graph: Graph
    operation: Operation
    caller: Caller | None
    usual: bool
    takes_variables: bool = field(init=False)
    name: str | None = field(init=False)
    kind: str = field(init=False)
    tenant: str | None = field(init=False)
    subject: str | None = field(init=False)

    def __post_init__(self) -> None:
        operation, caller = self.operation, self.caller
        self.takes_variables = bool(operation.definition.variable_definitions)
        self.name, self.kind = operation.name, operation.kind
        self.tenant, self.subject = (caller.tenant, caller.subject) if caller is not None else (None, None)


class Talk:
    """What a usual operation tells its services, and what is noted of them."""

    __slots__ = ("_caller", "_facts", "_fetched", "_minter", "_own")

    def __init__(
        self, facts: Facts, caller: Caller | None, minter: Minter | None, fetched: Callable[[FetchRecord], None]
    ) -> None:
        self._facts = facts
        self._caller = caller
        self._minter = minter if caller is not None else None
        self._fetched = fetched
        self._own: bytes | None = None

    def headers(self, service: str) -> Mapping[str, str]:
        """Return the headers for a service."""
        told = self._facts.trace.headers()
        if self._minter is not None and self._caller is not None:
            told["authorization"] = f"Bearer {self._minter.token(self._caller, service)}"
        return told

    def told(self, service: str) -> Told:
        """Return the same as lines."""
        if self._own is None:
            self._own = self._facts.trace.lines()
        constant = b""
        if self._minter is not None and self._caller is not None:
            constant = self._minter.line(self._caller, service)
        return Told(constant, self._own, partial(self.headers, service))

    def observe(self, record: FetchRecord) -> None:
        """Note a fetch."""
        self._facts.fetches.append(record)
        self._fetched(record)

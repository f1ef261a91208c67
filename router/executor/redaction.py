"""What a client reads of the errors of subgraphs.

A subgraph that wants its clients to know says a code; what has none, or the code of a crash, was not meant for them: a driver's
message, a path, a password. By default these are hidden and the others shown. The settings can show all of a subgraph's errors, or
hide all, or choose among what stands beside a message. What is hidden is in the log, under the trace id that the client gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_CRASHES: Final = frozenset({"INTERNAL", "INTERNAL_SERVER_ERROR"})
_DETAILS: Final = frozenset({"exception", "stacktrace", "debugMessage"})
_NO_CODE: Final = "DOWNSTREAM_SERVICE_ERROR"
REDACTED: Final = "Subgraph errors redacted"


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is hidden of every error of a service: the message, and extensions but for some or only some."""

    message: bool = True
    allow: frozenset[str] | None = frozenset()
    """The only extensions that stay; any, when None."""
    deny: frozenset[str] = frozenset()

    def keeps(self, key: str) -> bool:
        """Whether an extension stays."""
        return key not in self.deny and (self.allow is None or key in self.allow)


Shown = bool | Redaction | None
"""True shows all, False hides all; None decides by the code."""


# Not frozen: it is made for every request, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Masking:
    """What is shown of each service's errors; `trace_id` leads to what is not."""

    trace_id: str | None = None
    of_all: Shown = None
    by_service: Mapping[str, Shown] = field(default_factory=dict)

    def shown(self, service: str, message: str, extensions: Mapping[str, Any]) -> Passed:
        """Return what the client reads; the code and the service always stand there."""
        own = extensions.get("code")
        code = own if isinstance(own, str) and own else None
        policy = self.by_service.get(service, self.of_all)
        match policy:
            case True:
                return Passed(message, {**extensions, "code": code or _NO_CODE})
            case None:
                return self._by_code(service, message, extensions, code)
            case False:
                policy = Redaction()
        kept = {key: value for key, value in extensions.items() if policy.keeps(key)}
        kept["code"] = code if code and policy.keeps("code") else _NO_CODE
        if not policy.message:
            return Passed(message, kept)
        return Passed(REDACTED, self._traced(kept), hidden=True)

    def _by_code(self, service: str, message: str, extensions: Mapping[str, Any], code: str | None) -> Passed:
        if code is not None and code not in _CRASHES:
            return Passed(message, {key: value for key, value in extensions.items() if key not in _DETAILS})
        kept = self._traced({"code": code or _NO_CODE})
        return Passed(f"The service {service} met an internal error.", kept, hidden=True)

    def _traced(self, extensions: dict[str, Any]) -> dict[str, Any]:
        return extensions | {"traceId": self.trace_id} if self.trace_id else extensions


@dataclass(frozen=True, slots=True)
class Passed:
    """An error as the client reads it, and whether its message was another one."""

    message: str
    extensions: dict[str, Any]
    hidden: bool = False

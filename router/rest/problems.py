"""Problems as RFC 9457 has them: what went wrong, where in the request, what would have been right, and the trace.

A GraphQL answer has many errors and the status 200. A REST answer has one status, so one code decides: the table below
maps each to its status, once. The codes of the modules' refusals stand in the lock file, with a status that follows
from what kind of refusal they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from router.errors import CATALOGUE
from router.rest.routes import Code

JSON: Final = "application/problem+json"

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

OWN: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "NOT_FOUND": Code(404, "There is no such thing, or it is not yours: both read the same."),
        "ROUTE_NOT_FOUND": Code(404, "There is nothing at this path; the OpenAPI document lists what there is."),
        "METHOD_NOT_ALLOWED": Code(405, "The path is right and the method is not; `Allow` lists those that are."),
        "NOT_ACCEPTABLE": Code(406, "`Accept` names nothing that can be answered; answers are JSON."),
        "UNSUPPORTED_MEDIA_TYPE": Code(415, "The body has a content type that is not accepted here."),
        "BODY_TOO_LARGE": Code(413, "The body is larger than is accepted."),
        "MALFORMED_BODY": Code(400, "The body is not what its content type says."),
        "INVALID_PARAMETER": Code(400, "A parameter of the URL is unknown, or has a value that is not allowed."),
        "INVALID_PREFERENCE": Code(400, "A preference (`Prefer`) can't be followed, and ignoring it would do harm."),
        "INVALID_PRECONDITION": Code(
            400, "`If-Match` is neither `*` nor a list of entity tags as answers of ours carry them."
        ),
        "VALIDATION": Code(422, "A value makes no sense; `errors` says which, and what would."),
        "STALE": Code(412, "Somebody changed it since the version that `If-Match` names; read it again."),
        "IDEMPOTENCY_KEY_REUSED": Code(422, "The idempotency key was used before, for a different request."),
        "BULK_LIMIT_EXCEEDED": Code(422, "The list has more items than allowed; send it in parts."),
        "MODULE_ABSENT": Code(503, "The module that answers this is not there at the moment."),
        "INTERNAL": Code(500, "Something went wrong on our side; the trace id leads to the log."),
    }
)
"""Codes that only REST says, or for which it has a status of its own."""

_STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "UNAUTHENTICATED": 401,
        "FORBIDDEN": 403,
        "UNAUTHORIZED_FIELD_OR_TYPE": 403,
        "BAD_USER_INPUT": 422,
        "UPSTREAM_UNAVAILABLE": 503,
        "UPSTREAM_TIMEOUT": 504,
        "UPSTREAM_MALFORMED": 502,
        "SUBREQUEST_HTTP_ERROR": 502,
        "SUBGRAPH_CIRCUIT_BREAKER_REJECTED": 503,
        "SUBGRAPH_CONCURRENCY_LIMITED": 503,
        "GATEWAY_TIMEOUT": 504,
        "FETCH_LIMIT_EXCEEDED": 400,
        "RESPONSE_SIZE_LIMIT_EXCEEDED": 400,
    }
)

PERMISSION: Final = frozenset({"FORBIDDEN", "UNAUTHORIZED_FIELD_OR_TYPE", "UNAUTHENTICATED"})
"""What is kept from this caller; the rest of the answer is theirs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: in its body (`pointer`, RFC 6901) or in its URL (`param`)."""

    code: str
    message: str
    pointer: str | None = None
    param: str | None = None
    header: str | None = None
    allowed: Sequence[Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As an element of `errors`."""
        given = {"pointer": self.pointer, "param": self.param, "header": self.header}
        told = {name: value for name, value in given.items() if value is not None}
        told |= {"code": self.code, "message": self.message}
        return told if self.allowed is None else {**told, "allowed": list(self.allowed)}


class Problem(Exception):
    """The request is answered with a problem."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int | None = None,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] = _NOTHING,
        trace: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status or status_of(code)
        self.faults = tuple(faults)
        self.headers = headers
        self.trace = trace


@dataclass(frozen=True, slots=True)
class Words:
    """Writes problems: knows the codes of the modules, and where problems are explained."""

    base: str
    codes: Mapping[str, Code] = field(default_factory=lambda: MappingProxyType({}))

    def document(self, problem: Problem, *, instance: str, trace_id: str) -> dict[str, Any]:
        """The problem document."""
        address = f"{self.base}/problems/{slug(problem.code)}"
        written: dict[str, Any] = {
            "type": address,
            "title": HTTPStatus(problem.status).phrase,
            "status": problem.status,
            "detail": problem.detail,
            "instance": instance,
            "code": problem.code,
            "traceId": trace_id,
            "docUrl": address,
        }
        if problem.faults:
            written["errors"] = [fault.to_json() for fault in problem.faults]
        return written

    def explained(self, code: str) -> dict[str, Any] | None:
        """What a code means, for whoever follows `type`; None when nobody says it."""
        name = code.upper().replace("-", "_")
        known = self.codes.get(name) or OWN.get(name)
        if known is None and name in CATALOGUE:
            known = Code(status_of(name), CATALOGUE[name].meaning)
        if known is None:
            return None
        return {"code": name, "title": HTTPStatus(known.status).phrase, "status": known.status, "detail": known.meaning}


def slug(code: str) -> str:
    """A code as part of an address."""
    return code.lower().replace("_", "-")


def status_of(code: str, codes: Mapping[str, Code] = MappingProxyType({})) -> int:
    """The HTTP status that goes with a code; a refusal that nobody knows is a conflict."""
    if code in _STATUS:
        return _STATUS[code]
    known = OWN.get(code) or codes.get(code)
    if known is not None:
        return known.status
    if code in CATALOGUE:
        status = CATALOGUE[code].status
        return status if status >= 400 else 502
    return 409


def is_stale(refusal: Mapping[str, Any]) -> bool:
    """Whether a module refuses the version that it was given; a conflict over another field is one of its own."""
    return refusal["code"] == "CONFLICT" and refusal.get("field") in {None, "version"}


def stale(message: str) -> Problem:
    """The problem that a version makes which is not that of the thing any more."""
    return Problem("STALE", message, faults=[Fault("STALE", message, header="If-Match")])


def from_errors(errors: Sequence[Mapping[str, Any]], codes: Mapping[str, Code]) -> Problem:
    """The problem that GraphQL errors make: the first one decides, since the others follow from it."""
    first = min(errors, key=lambda error: len(error.get("path", ())))
    extensions = first.get("extensions", {})
    code = extensions.get("code", "INTERNAL")
    name = extensions.get("field")
    if code == "BAD_USER_INPUT" and name is not None:
        param = PARAMETERS.get(name, name)
        fault = Fault("VALIDATION", first["message"], param=param, allowed=extensions.get("allowed"))
        return Problem("INVALID_PARAMETER", first["message"], faults=[fault])
    return Problem(code, first["message"], status=status_of(code, codes), trace=extensions.get("traceId"))


PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {"first": "limit", "last": "limit", "after": "cursor", "offset": "cursor", "search": "q"}
)
"""How arguments of the graph are called in a URL."""

_HEADERS: Final[Mapping[str, str]] = MappingProxyType({"clientMutationId": "Idempotency-Key", "version": "If-Match"})
"""Which header says what a field of an input says; a version may stand in the body as well."""


def from_refusals(
    refusals: Sequence[Mapping[str, Any]],
    codes: Mapping[str, Code],
    keys: Mapping[str, str] = _NOTHING,
    *,
    guarded: bool = False,
) -> Problem:
    """The problem that the `errors` of a command's payload make.

    `keys` are the fields that stand in the path; `guarded` tells whether the version came in `If-Match`.
    """
    first = refusals[0]
    code = first["code"]
    params = {name: param for param, name in keys.items()}
    headers = {name: header for name, header in _HEADERS.items() if guarded or name != "version"}
    faults = [_blamed(one, params, headers) for one in refusals if one.get("field")]
    return Problem(code, first["message"], status=status_of(code, codes), faults=faults)


def _blamed(one: Mapping[str, Any], params: Mapping[str, str], headers: Mapping[str, str]) -> Fault:
    name = one["field"]
    if name in headers:
        return Fault(one["code"], one["message"], header=headers[name])
    if name in params:
        return Fault(one["code"], one["message"], param=params[name])
    return Fault(one["code"], one["message"], pointer="/" + name.replace(".", "/"))

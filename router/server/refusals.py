"""What the router says instead of an answer: a code of the catalogue, and whether HTTP's status has to say it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from router.errors import CATALOGUE

if TYPE_CHECKING:
    from router.executor.operation import Operation

# Faults of a well-formed GraphQL request. A client that asked for application/json gets them with status 200, because
# older clients read any other status as "the server is down" (GraphQL over HTTP, section 6.4.1).
_INSIDE_GRAPHQL = frozenset(
    {
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "BAD_USER_INPUT",
        "OPERATION_RESOLUTION_FAILURE",
        "MAX_VARIABLES_DEPTH_LIMIT",
        "MAX_DOCUMENT_SIZE_LIMIT",
        "MAX_RECURSION_LIMIT",
        "MAX_HEIGHT_LIMIT",
        "MAX_DIRECTIVES_LIMIT",
        "MAX_INTROSPECTION_DEPTH_LIMIT",
        "INTROSPECTION_DISABLED",
        "UNKNOWN_ERROR",
        "MAX_DEPTH_LIMIT",
        "MAX_ALIASES_LIMIT",
        "MAX_ROOT_FIELDS_LIMIT",
        "MAX_SELECTIONS_LIMIT",
        "MAX_TOKENS_LIMIT",
        "COST_ESTIMATED_TOO_EXPENSIVE",
        "COST_QUERY_PARSE_FAILURE",
        "SUBSCRIPTION_DISABLED",
        "PERSISTED_QUERY_NOT_SUPPORTED",
        "QUERY_PLANNING_FAILED",
        "QUERY_PLAN_COMPLEXITY_EXCEEDED",
    }
)

_EXECUTED = frozenset(
    {
        "PERSISTED_QUERY_NOT_FOUND",
        "QUERY_PLANNING_FAILED",
        "QUERY_PLAN_COMPLEXITY_EXCEEDED",
        "GATEWAY_TIMEOUT",
        "UNAUTHORIZED_FIELD_OR_TYPE",
    }
)


class NotNow(Exception):
    """Somebody has to be waited for: the way on which nobody waits ends here, and nothing has happened on it."""


class Refused(Exception):
    """The request as a whole gets errors and no data."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(message)
        self.operation: Operation | None = None
        """What was refused, where it was understood."""
        self.code = CATALOGUE[code]
        self.status = status or self.code.status
        self.headers = headers or {}
        self.errors: list[dict[str, Any]] = [{"message": message, "extensions": {"code": code, **extensions}}]

    @classmethod
    def because(cls, code: str, errors: Sequence[GraphQLError]) -> Refused:
        """Refuse with errors that graphql-core found in the client's document or variables."""
        refused = cls(code, errors[0].message)
        refused.errors = [_formatted(error, code) for error in errors]
        return refused

    @classmethod
    def with_errors(cls, code: str, errors: Iterable[Mapping[str, Any]]) -> Refused:
        """Refuse with errors that are written already, all of one code."""
        refused = cls(code, "")
        refused.errors = [dict(error) for error in errors]
        return refused

    @property
    def inside_graphql(self) -> bool:
        """Whether the HTTP exchange itself went well."""
        return self.code.code in _INSIDE_GRAPHQL

    @property
    def executed(self) -> bool:
        """Whether the operation was understood, so that its data are null and not absent."""
        return self.code.code in _EXECUTED


def _formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    formatted: dict[str, Any] = {"message": error.message}
    if error.locations:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    formatted["extensions"] = {"code": code}
    return formatted

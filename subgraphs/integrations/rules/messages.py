"""What is told of an event: which subscriptions want it, and the body that is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from graphql import GraphQLError, OperationDefinitionNode, parse
from graphql.language import DocumentNode, NonNullTypeNode, OperationType, VariableDefinitionNode

from contracts import audience
from contracts.events.envelope import Envelope
from subgraphs.integrations.errors import NotReachable
from subgraphs.kit.broker.delivery import pattern
from subgraphs.kit.errors import Invalid

TEST_TYPE: Final = "webhook.test"
_WORD: Final = re.compile(r"[a-z0-9_]+|\*|#")
_MOST_PATTERNS: Final = 50
_LONGEST: Final = 10_000
_GIVEN: Final = {"id": "ID", "event": "String"}
"""The variables that a stored query may declare: what it happened to, and the type of the event."""


def patterns(entered: Sequence[str]) -> list[str]:
    """Patterns of events, as RabbitMQ's topics have them: `*` is one word, `#` any number; raises `Invalid`."""
    found = list(dict.fromkeys(one.strip() for one in entered))
    if not 1 <= len(found) <= _MOST_PATTERNS:
        raise Invalid(f"eventPatterns has 1 to {_MOST_PATTERNS} patterns.", field="eventPatterns")
    for one in found:
        if len(one) > 200 or not all(_WORD.fullmatch(word) for word in one.split(".")):
            raise Invalid(
                f"{one!r} is no pattern of events: write ticket.created, ticket.*, *.created, or # for all.",
                field="eventPatterns",
            )
    return found


def matches(wanted: Sequence[str], event_type: str) -> bool:
    """Whether one of the patterns stands for this type of event."""
    expression = pattern(wanted)
    return expression is not None and re.match(expression, f".{event_type}") is not None


def hears(envelope: Envelope, *, scopes: Collection[str], customer: UUID | None, denied: Collection[str]) -> bool:
    """Whether somebody with these permissions, limited to this customer, may learn of an event."""
    permission = audience.permission(subject_type(envelope), envelope.data)
    mine = customer is None or envelope.customerid == customer
    return mine and str(envelope.customerid) not in denied and audience.shows(scopes, permission)


def subject_type(envelope: Envelope) -> str:
    """The GraphQL type of the thing that it happened to."""
    return envelope.subject.partition("/")[0]


def told(envelope: Envelope) -> dict[str, Any]:
    """What is told of an event, thinly: what happened to what, and when; the receiver reads the rest as itself."""
    changed = envelope.data.get("changed")
    return {
        "id": str(envelope.id),
        "type": envelope.type,
        "timestamp": envelope.time.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": str(envelope.subject_id),
            "type": subject_type(envelope),
            "customerId": str(envelope.customerid) if envelope.customerid else None,
            "correlationId": envelope.correlationid,
            **({"changed": changed} if isinstance(changed, list) else {}),
        },
    }


def example(identity: UUID, subscription: UUID, timestamp: str) -> dict[str, Any]:
    """What a test sends."""
    thing = {"id": str(subscription), "type": "WebhookSubscription", "customerId": None, "correlationId": None}
    return {"id": str(identity), "type": TEST_TYPE, "timestamp": timestamp, "data": thing}


def url(entered: str) -> str:
    """An absolute address without credentials; whether it may be asked is seen when it is; raises `NotReachable`."""
    text = entered.strip()
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"} or not parts.hostname or len(text) > 2000 or not text.isascii():
        raise NotReachable("url must be an absolute https address of at most 2000 characters.", field="url")
    if parts.username is not None or parts.fragment or any(char <= " " for char in text):
        raise NotReachable("url can have neither a user, nor a fragment, nor blanks.", field="url")
    return text


def query(text: str | None) -> str | None:
    """A GraphQL query that is asked for each event; raises `Invalid` when it is none that can be."""
    if text is None or not text.strip():
        return None
    if len(text) > _LONGEST:
        raise Invalid(f"query may have at most {_LONGEST} characters.", field="query")
    try:
        document = parse(text, max_tokens=2000)
    except GraphQLError as error:
        raise Invalid(f"query is no GraphQL: {error.message}", field="query") from error
    for variable in _operation(document).variable_definitions or ():
        _check_variable(variable)
    return text.strip()


def variables(text: str, event: Mapping[str, Any]) -> dict[str, str]:
    """The values of the variables that a stored query declares."""
    values = {"id": event["data"]["id"], "event": event["type"]}
    declared = {one.variable.name.value for one in _operation(parse(text)).variable_definitions or ()}
    return {name: value for name, value in values.items() if name in declared}


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(found) != 1 or found[0].operation is not OperationType.QUERY:
        raise Invalid("query must hold one query, and no other operation.", field="query")
    return found[0]


def _check_variable(variable: VariableDefinitionNode) -> None:
    kind = variable.type.type if isinstance(variable.type, NonNullTypeNode) else variable.type
    name = variable.variable.name.value
    if _GIVEN.get(name) != getattr(getattr(kind, "name", None), "value", None):
        raise Invalid("query can have the variables $id: ID! and $event: String!, and no other.", field="query")

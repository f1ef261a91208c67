"""How every event travels: a CloudEvents 1.0 envelope around a typed payload.

The envelope is written as structured JSON (`application/cloudevents+json`). What CloudEvents leaves to us are its
extension attributes, which by its rules are lowercase without separators:

    tenantid         whose fact it is; a consumer works for this tenant and no other
    customerid       the customer that it is about, when there is one
    actorkind        USER, SERVICE, SYSTEM or AI: what kind of actor made it happen
    actorid          which one
    correlationid    one per request from outside; everything that follows from it carries it on
    causationid      the event that this event is a reaction to
    schemaversion    of `data`; additions keep it, anything else raises it
    traceparent      W3C trace context, when the writer was traced
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, SerializerFunctionWrapHandler, model_serializer
from pydantic.alias_generators import to_camel

MEDIA_TYPE = "application/cloudevents+json"

ActorKind = Literal["USER", "SERVICE", "SYSTEM", "AI"]

E = TypeVar("E", bound="Event")


class Payload(BaseModel):
    """A value inside of an event: camelCase in JSON, and fields that the reader does not know are skipped."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


class Event(Payload):
    """Something that happened, as its module tells the others; the docstring and the fields are the contract."""

    type: ClassVar[str]
    """`<thing>.<past tense>`, also the routing key: `ticket.created`."""
    subject_type: ClassVar[str]
    """The GraphQL type of the thing that it happened to: `Ticket`."""
    schema_version: ClassVar[int] = 1

    @classmethod
    def dataschema(cls) -> str:
        """The name of this version of the payload, as a URI."""
        return f"urn:psa:event:{cls.type}:{cls.schema_version}"

    @classmethod
    def upgraded(cls, version: int, data: Mapping[str, JsonValue]) -> Mapping[str, JsonValue] | None:  # noqa: ARG003 - for those that override it
        """The payload of an older version as this one has it; None: it was never released, or says too little.

        An event whose `schema_version` is raised overrides this, so that what is still under way is understood.
        """
        return None


class WrongEvent(ValueError):
    """An envelope was read as an event, or as a version of it, that it does not hold."""


class Envelope(BaseModel):
    """One event on its way: who says so, about what, for whom, and why; see the module for the extension attributes."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    """Unique for all time; a consumer that has seen it does nothing."""
    source: str
    """The module that says so: `/psa/tickets`."""
    type: str
    subject: str
    """What it is about: `Ticket/<id>`."""
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    tenantid: UUID
    customerid: UUID | None = None
    actorkind: ActorKind
    actorid: UUID
    correlationid: str | None = None
    causationid: UUID | None = None
    schemaversion: int
    traceparent: str | None = None
    data: dict[str, JsonValue]

    @model_serializer(mode="wrap")
    def _without_absent_attributes(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave absent attributes out, as CloudEvents wants it; a null within `data` is a value and stays."""
        return {name: value for name, value in write(self).items() if value is not None}

    @property
    def subject_id(self) -> UUID:
        """The id of the thing that it happened to."""
        return UUID(self.subject.rpartition("/")[2])

    def read(self, event: builtins.type[E]) -> E:
        """The payload as `event`, also of an older version that it knows; raises WrongEvent for anything else."""
        if self.type == event.type and self.schemaversion < event.schema_version:
            older = event.upgraded(self.schemaversion, self.data)
            if older is not None:
                return event.model_validate(older)
        if (self.type, self.schemaversion) != (event.type, event.schema_version):
            theirs, ours = f"{self.type} version {self.schemaversion}", f"{event.type} version {event.schema_version}"
            raise WrongEvent(f"The envelope holds {theirs}, not {ours}.")
        return event.model_validate(self.data)

    def to_json(self) -> bytes:
        """The envelope as structured JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def from_json(cls, body: bytes) -> Envelope:
        """Read an envelope; raises pydantic's ValidationError when it is none."""
        return cls.model_validate_json(body)


def catalogue(*events: type[Event]) -> Mapping[str, type[Event]]:
    """Index events by their type; a type is never reused and never changes its meaning."""
    return MappingProxyType({event.type: event for event in _distinct(events)})


def _distinct(events: Iterable[type[Event]]) -> list[type[Event]]:
    seen: dict[str, type[Event]] = {}
    for event in events:
        if event.type in seen:
            raise ValueError(f"Two events are called {event.type}: {seen[event.type].__name__} and {event.__name__}.")
        seen[event.type] = event
    return list(seen.values())

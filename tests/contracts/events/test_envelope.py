"""How an event looks on the wire, and what a reader makes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import ModuleType
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.events import assets, auth, billing, crm, envelope, integrations, notify, tickets
from contracts.events.envelope import Envelope, Event, WrongEvent

MODULES = (assets, auth, billing, crm, integrations, notify, tickets)
ALL = [event for module in MODULES for event in module.CATALOGUE.values()]

TICKET = UUID("01890000-0000-7000-8000-000000000001")
CUSTOMER = UUID("01890000-0000-7000-8000-000000000002")
TENANT = UUID("01890000-0000-7000-8000-000000000003")
EVENT = UUID("01890000-0000-7000-8000-000000000004")
ACTOR = UUID("01890000-0000-7000-8000-000000000005")


def created() -> Envelope:
    payload = tickets.TicketCreated(
        id=TICKET,
        number="T-2026-000001",
        title="Printer on fire",
        ticket_type="INCIDENT",
        priority="P1",
        customer_id=CUSTOMER,
        source="PHONE",
    )
    return Envelope(
        id=EVENT,
        source="/psa/tickets",
        type=payload.type,
        subject=f"Ticket/{TICKET}",
        time=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        dataschema=payload.dataschema(),
        tenantid=TENANT,
        customerid=CUSTOMER,
        actorkind="USER",
        actorid=ACTOR,
        correlationid="abc",
        schemaversion=payload.schema_version,
        data=payload.model_dump(mode="json"),
    )


def test_the_wire_shows_a_cloudevent_with_a_camel_case_payload() -> None:
    assert json.loads(created().to_json()) == {
        "specversion": "1.0",
        "id": str(EVENT),
        "source": "/psa/tickets",
        "type": "ticket.created",
        "subject": f"Ticket/{TICKET}",
        "time": "2026-03-01T08:30:00Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:psa:event:ticket.created:1",
        "tenantid": str(TENANT),
        "customerid": str(CUSTOMER),
        "actorkind": "USER",
        "actorid": str(ACTOR),
        "correlationid": "abc",
        "schemaversion": 1,
        "data": {
            "id": str(TICKET),
            "number": "T-2026-000001",
            "title": "Printer on fire",
            "type": "INCIDENT",
            "priority": "P1",
            "customerId": str(CUSTOMER),
            "contactId": None,
            "assetId": None,
            "queueId": None,
            "source": "PHONE",
            "replyTo": None,
        },
    }


def test_what_is_written_is_read_back_equal() -> None:
    assert Envelope.from_json(created().to_json()) == created()


def test_the_payload_comes_out_typed() -> None:
    payload = created().read(tickets.TicketCreated)

    assert (payload.id, payload.ticket_type, created().subject_id) == (TICKET, "INCIDENT", TICKET)


def test_reading_it_as_another_event_is_refused() -> None:
    with pytest.raises(WrongEvent, match=r"holds ticket.created version 1, not ticket.closed version 1"):
        created().read(tickets.TicketClosed)


def test_reading_a_version_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(WrongEvent, match=r"holds ticket.created version 2, not ticket.created version 1"):
        created().model_copy(update={"schemaversion": 2}).read(tickets.TicketCreated)


def test_a_field_that_was_added_later_does_not_disturb_an_older_reader() -> None:
    newer = created().model_copy(update={"data": {**created().data, "mood": "angry"}})

    assert newer.read(tickets.TicketCreated) == created().read(tickets.TicketCreated)


def test_an_attribute_that_was_added_later_does_not_disturb_an_older_reader() -> None:
    body = json.dumps({**json.loads(created().to_json()), "sequence": "7"}).encode()

    assert Envelope.from_json(body) == created()


@pytest.mark.parametrize("missing", ["id", "source", "type", "tenantid", "data", "time"])
def test_an_envelope_without_a_needed_attribute_is_none(missing: str) -> None:
    body = json.loads(created().to_json())
    del body[missing]

    with pytest.raises(ValidationError):
        Envelope.from_json(json.dumps(body).encode())


@pytest.mark.parametrize("event", ALL, ids=lambda event: event.type)
def test_every_event_is_named_after_its_class_and_explains_itself(event: type[Event]) -> None:
    thing, _, happened = event.type.partition(".")
    words = f"{thing}_{happened}".split("_")
    schema = event.model_json_schema()

    assert event.__name__ == "".join(word.capitalize() for word in words)
    assert schema["description"] == event.__doc__
    assert event.dataschema() == f"urn:psa:event:{event.type}:{event.schema_version}"
    assert all("_" not in name for name in schema["properties"])


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_no_event_is_left_out_of_its_catalogue(module: ModuleType) -> None:
    authored = {
        thing.type
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Event) and "type" in vars(thing)
    }

    assert authored == set(module.CATALOGUE)


def test_no_two_modules_claim_the_same_event() -> None:
    assert len({event.type for event in ALL}) == len(ALL)


def test_two_events_of_one_name_are_refused() -> None:
    class Impostor(Event):
        """Claims a name that is taken."""

        type = "ticket.created"
        subject_type = "Ticket"

    with pytest.raises(ValueError, match=r"Two events are called ticket.created: TicketCreated and Impostor"):
        envelope.catalogue(tickets.TicketCreated, Impostor)

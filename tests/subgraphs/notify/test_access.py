"""Nobody is told of a customer who is hidden from them: neither when it happens, nor when it is sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from contracts.events import auth
from subgraphs.kit.ids import uuid7
from subgraphs.notify.rules import access
from subgraphs.notify.rules.access import Sight
from tests.subgraphs.house import A, staff
from tests.subgraphs.notify.conftest import Office
from tests.subgraphs.notify.test_mail import a_ticket, assigned

ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("person", "customer", "hears"),
    [
        (Sight("STAFF", None), None, True),
        (Sight("STAFF", None), ONE, True),
        (Sight("STAFF", None, denied={ONE}), ONE, False),
        (Sight("STAFF", None, denied={ONE}), OTHER, True),
        (Sight("STAFF", None, customers={ONE}), ONE, True),
        (Sight("STAFF", None, customers={ONE}), OTHER, False),
        (Sight("STAFF", None, customers={ONE}, denied={ONE}), ONE, False),
        (Sight("STAFF", None, customers=frozenset()), ONE, False),
        (Sight("CUSTOMER", ONE), ONE, True),
        (Sight("CUSTOMER", ONE), OTHER, False),
        (Sight("COMANAGED", ONE, customers={ONE, OTHER}), OTHER, True),
    ],
)
def test_a_person_hears_of_the_customers_whom_they_see(person: Sight, customer: UUID | None, *, hears: bool) -> None:
    assert access.sees(person, customer) is hears


async def sees(office: Office, user: UUID, *, customers: tuple[UUID, ...] | None = None, denied: tuple[UUID, ...] = ()):
    told = auth.UserAccessChanged(user_id=user, customer_id=None, customers=customers, denied=denied)
    return await office.happens(told.type, f"User/{user}", told.model_dump(mode="json", by_alias=True))


async def inbox(office: Office, user: UUID) -> list[dict[str, Any]]:
    return await office.service.rows("SELECT event_type FROM notification WHERE recipient_id = $1 ORDER BY id", user)


async def test_whoever_must_not_see_a_customer_is_told_of_none_of_its_tickets_by_role_or_by_name(
    office: Office,
) -> None:
    there, hidden, elsewhere = [await office.hires(name, roles=("dispatcher",)) for name in "ABC"]
    await sees(office, hidden, denied=(A,))
    await sees(office, elsewhere, customers=(OTHER,))

    ticket = await a_ticket(office)
    for user in (hidden, elsewhere, there):
        await assigned(office, ticket, user)

    assert [one["event_type"] for one in await inbox(office, there)] == ["ticket.created", "ticket.assigned"]
    for user in (hidden, elsewhere):
        assert await inbox(office, user) == []
        assert await office.deliveries(f"{user}@msp.example") == []


async def test_what_waits_for_its_time_is_not_sent_to_whom_the_customer_is_hidden_meanwhile(office: Office) -> None:
    user = await office.hires("Uwe")
    await assigned(office, await a_ticket(office), user)
    office.passes(seconds=1)
    old = await sees(office, user, denied=(A,))
    office.passes(minutes=2)

    await office.works()

    [row] = await office.deliveries(f"{user}@msp.example")
    assert (row["status"], row["error"], row["attempt"]) == ("SUPPRESSED", "This customer is hidden from them.", 0)
    assert office.post.mails == []

    await sees(office, user)
    await office.arrives(old.model_copy(update={"id": uuid7()}))  # older news: changes nothing
    await assigned(office, await a_ticket(office), user)
    office.passes(minutes=2)
    await office.works()
    assert len(office.post.mails) == 1


async def test_of_a_digest_only_what_is_hidden_is_left_out(office: Office) -> None:
    user = await office.hires("Vera")
    daily = {"category": "TICKETS", "channel": "EMAIL", "enabled": True, "digest": "DAILY"}
    prefer = "mutation($i: SetPreferenceInput!) { setPreference(input: $i) { errors { code } } }"
    await office.service.data(prefer, staff(subject=user), i=daily)
    await assigned(office, await a_ticket(office, title="Hidden"), user)
    shown = await a_ticket(office, title="Shown", customer=OTHER)
    await office.happens(
        "ticket.assigned", f"Ticket/{shown}", {"id": str(shown), "assigneeId": str(user)}, customer=OTHER
    )
    await sees(office, user, denied=(A,))
    office.passes(days=1)

    await office.works()

    [(_, mail)] = office.post.mails
    text = mail.get_body(("plain",)).get_content()
    assert ("Shown" in text, "Hidden" in str(mail)) == (True, False)


async def test_a_mail_to_a_user_who_is_gone_is_not_sent(office: Office) -> None:
    user = await office.hires("Willi")
    await assigned(office, await a_ticket(office), user)
    gone = auth.UserDisabled(user_id=user, customer_id=None)
    office.passes(seconds=1)
    await office.happens(gone.type, f"User/{user}", gone.model_dump(mode="json"))
    office.passes(minutes=2)

    await office.works()

    [row] = await office.deliveries(f"{user}@msp.example")
    assert (row["status"], row["error"]) == ("SUPPRESSED", "This user is not here any more.")
    assert office.post.mails == []

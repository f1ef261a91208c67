"""Who is on call over the change of clocks, and who is called until somebody takes over."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.kit.caller import system
from subgraphs.kit.errors import InvalidTransition
from subgraphs.kit.ids import uuid7
from subgraphs.notify.rules import on_call
from subgraphs.notify.rules.on_call import Override, PageMove, PageStatus, Rotation, Shift
from subgraphs.notify.service import pages
from tests.subgraphs.house import A, staff
from tests.subgraphs.notify.conftest import Office
from tests.subgraphs.notify.test_access import sees
from tests.subgraphs.notify.test_mail import a_ticket

ANNA, BERT, CEM = (UUID(int=one) for one in (1, 2, 3))
DAILY = Rotation((ANNA, BERT, CEM), Shift.DAILY, time(8), date(2026, 3, 2), "Europe/Berlin")
WEEKLY = Rotation((ANNA, BERT), Shift.WEEKLY, time(2, 30), date(2026, 3, 22), "Europe/Berlin")


def z(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("rotation", "at", "who"),
    [
        (DAILY, "2026-03-02T06:59:59", None),
        (DAILY, "2026-03-02T07:00:00", ANNA),
        (DAILY, "2026-03-03T06:59:59", ANNA),
        (DAILY, "2026-03-03T07:00:00", BERT),
        (DAILY, "2026-03-05T07:00:00", ANNA),
        (DAILY, "2026-03-29T05:59:59", CEM),  # the night is an hour shorter
        (DAILY, "2026-03-29T06:00:00", ANNA),
        (DAILY, "9999-12-31T23:59:59", None),  # the clocks of Berlin end an hour before
        (DAILY, "0001-01-01T00:00:00", None),
        (WEEKLY, "2026-03-29T00:59:59", ANNA),  # 01:59:59 on the wall; 02:30 is not there
        (WEEKLY, "2026-03-29T01:00:00", BERT),
    ],
)
def test_people_hand_over_by_the_clock_on_the_wall(rotation: Rotation, at: str, who: UUID | None) -> None:
    assert on_call.on_call(rotation, (), z(at)) == who


def test_who_stands_in_is_whom_the_last_word_named() -> None:
    first = Override(BERT, z("2026-03-02T10:00:00"), z("2026-03-02T12:00:00"))
    last = Override(CEM, z("2026-03-02T11:00:00"), z("2026-03-02T11:30:00"))
    found = [on_call.on_call(DAILY, (first, last), z(f"2026-03-02T{at}:00")) for at in ("09:59", "10:00", "11:00", "11:30", "12:00")]  # fmt: skip
    assert found == [ANNA, BERT, CEM, BERT, ANNA]


@given(st.integers(0, 400 * 24 * 60), st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]))
def test_there_is_always_somebody_from_the_first_handover_on(minutes: int, zone: str) -> None:
    rotation = Rotation((ANNA, BERT, CEM), Shift.DAILY, time(2, 15), date(2026, 3, 2), zone)
    at = datetime.fromtimestamp(z("2026-03-03T12:00:00").timestamp() + minutes * 60, UTC)
    assert on_call.on_call(rotation, (), at) in rotation.users


def test_a_page_that_somebody_took_over_climbs_no_further() -> None:
    assert on_call.moved(PageMove.ACKNOWLEDGE, PageStatus.ESCALATED) is PageStatus.ACKNOWLEDGED
    with pytest.raises(InvalidTransition):
        on_call.moved(PageMove.ESCALATE, PageStatus.ACKNOWLEDGED)


# --- by the graph

SCHEDULE = """mutation($i: CreateOnCallScheduleInput!) { it: createOnCallSchedule(input: $i) {
    it: onCallSchedule { id onCallNow { id } } errors { code field } } }"""
OVERRIDE = """mutation($i: OverrideOnCallInput!) { it: overrideOnCall(input: $i) {
    it: onCallOverride { id user { id } } errors { code field } } }"""
POLICY = """mutation($i: CreateEscalationPolicyInput!) { it: createEscalationPolicy(input: $i) {
    it: escalationPolicy { id steps { afterMinutes channels } } errors { code field } } }"""
PAGE = """mutation($i: TriggerPageInput!) { it: triggerPage(input: $i) {
    it: page { id status calls { step user { id } } } errors { code field } } }"""
TAKE = """mutation($i: PageCommandInput!) { it: acknowledgePage(input: $i) {
    it: page { id status acknowledgedBy } errors { code field } } }"""


async def done(office: Office, mutation: str, **entered: Any) -> Any:
    answer = (await office.service.data(mutation, i=entered))["it"]
    assert answer["errors"] == []
    return answer["it"]


async def refused(office: Office, mutation: str, **entered: Any) -> tuple[str, str | None]:
    answer = (await office.service.data(mutation, i=entered))["it"]
    [error] = answer["errors"]
    assert answer["it"] is None
    return error["code"], error["field"]


async def time_comes(office: Office, page: str, step: int) -> None:
    """The job of a step is done, as a worker would."""
    async with office.begin(system(A), command="job") as job:
        await pages.ESCALATE.handle(job, {"page": page, "step": step})


async def jobs_of(office: Office, page: str) -> list[int]:
    rows = await office.service.rows("SELECT payload FROM job WHERE entrypoint = 'notify.escalate' ORDER BY id")
    found = [json.loads(bytes(row["payload"])) for row in rows]
    return [one["step"] for one in found if one["page"] == page]


async def calls(office: Office, page: str) -> list[UUID | None]:
    query = "{ pages(first: 50) { nodes { id calls { user { id } } } } }"
    found = {one["id"]: one for one in (await office.service.data(query))["pages"]["nodes"]}
    return [UUID(one["user"]["id"]) if one["user"] else None for one in found[page]["calls"]]


async def a_policy(office: Office, *steps: dict[str, Any], **more: Any) -> str:
    return str((await done(office, POLICY, name="Nacht", steps=list(steps), **more))["id"])


async def told(office: Office, user: UUID) -> list[tuple[str, str]]:
    rows = await office.service.rows(
        "SELECT channel, status FROM delivery WHERE recipient_id = $1 ORDER BY created_at, id", user
    )
    return [(row["channel"], row["status"]) for row in rows]


async def test_at_not_3_a_step_that_nobody_acknowledges_in_five_minutes_pages_the_next_exactly_once(
    office: Office,
) -> None:
    first, second = await office.hires("Erste"), await office.hires("Zweiter")
    made = await done(office, SCHEDULE, name="Bereitschaft", userIds=[str(first)], startsOn="2026-01-05")
    assert made["onCallNow"] == {"id": str(first)}
    policy = await a_policy(
        office,
        {"afterMinutes": 0, "scheduleId": made["id"], "channels": ["EMAIL"]},
        {"afterMinutes": 5, "userId": str(second), "channels": ["EMAIL"]},
    )

    page = await done(office, PAGE, policyId=policy, title="Server in Kiel antwortet nicht", incidentRef="Kiel")
    again = await done(office, PAGE, policyId=policy, title="Server in Kiel antwortet nicht", incidentRef="Kiel")
    assert page == again == {"id": page["id"], "status": "TRIGGERED", "calls": []}
    assert await jobs_of(office, page["id"]) == [0]
    await time_comes(office, page["id"], 0)
    assert await calls(office, page["id"]) == [first]
    assert (await told(office, first), await told(office, second)) == ([("EMAIL", "QUEUED")], [])
    assert await jobs_of(office, page["id"]) == [0, 1]

    office.passes(minutes=5)
    await time_comes(office, page["id"], 1)
    await time_comes(office, page["id"], 1)

    assert await told(office, second) == [("EMAIL", "QUEUED")]
    types = await office.service.rows(
        "SELECT type FROM outbox WHERE envelope->>'subject' = $1 ORDER BY position", f"Page/{page['id']}"
    )
    assert [one["type"] for one in types] == ["page.triggered", "page.escalated"]
    await office.works()
    assert [mail["Subject"] for _, mail in office.post.mails] == ["Bereitschaft: Server in Kiel antwortet nicht"] * 2


async def test_whoever_was_called_takes_over_and_nobody_else_is_called(office: Office) -> None:
    first, second, other = [await office.hires(name) for name in ("Ina", "Jan", "Kai")]
    policy = await a_policy(
        office,
        {"afterMinutes": 0, "userId": str(first), "channels": ["SMS"]},
        {"afterMinutes": 5, "userId": str(second), "channels": ["EMAIL"]},
    )
    page = await done(office, PAGE, policyId=policy, title="Alarm")
    await time_comes(office, page["id"], 0)
    assert await told(office, first) == [
        ("EMAIL", "QUEUED")
    ]  # no number is known: the call must reach them all the same

    own = frozenset({"notifications:read.own", "notifications:write.own"})
    answer = await office.service.data(TAKE, staff(subject=other, scopes=own), i={"id": page["id"]})
    assert answer["it"] == {"it": None, "errors": [{"code": "FORBIDDEN", "field": "id"}]}
    answer = await office.service.data(TAKE, staff(subject=first, scopes=own), i={"id": page["id"]})
    assert answer["it"]["it"] == {"id": page["id"], "status": "ACKNOWLEDGED", "acknowledgedBy": str(first)}
    await time_comes(office, page["id"], 1)

    assert await told(office, second) == []
    assert await refused(office, TAKE, id=page["id"]) == ("INVALID_TRANSITION", "id")


async def test_where_nobody_is_there_the_next_is_called_at_once_and_at_last_whoever_looks_after_it(
    office: Office,
) -> None:
    hidden, next_one = await office.hires("Lea"), await office.hires("Max")
    admin = await office.hires("Nora", roles=("admin",))
    await sees(office, hidden, denied=(A,))
    await office.service.knows("Customer", A)
    later = await done(office, SCHEDULE, name="Später", userIds=[str(next_one)], startsOn="2030-01-01")
    steps = [
        {"afterMinutes": 0, "userId": str(hidden), "channels": ["EMAIL"]},
        {"afterMinutes": 5, "scheduleId": later["id"], "channels": ["EMAIL"]},
    ]
    policy = await a_policy(office, *steps)
    page = await done(office, PAGE, policyId=policy, title="Niemand da", customerId=str(A))
    await time_comes(office, page["id"], 0)

    assert await calls(office, page["id"]) == [None, None]
    assert (await told(office, hidden), await told(office, next_one)) == ([], [])
    assert await told(office, admin) == [("EMAIL", "QUEUED")]

    swap = {"startsAt": "2026-03-02T08:00:00Z", "endsAt": "2026-03-03T08:00:00Z"}
    await done(office, OVERRIDE, scheduleId=later["id"], userId=str(next_one), **swap)
    page = await done(office, PAGE, policyId=policy, title="Jetzt schon", customerId=str(A))
    await time_comes(office, page["id"], 0)
    assert await calls(office, page["id"]) == [None, next_one]


async def test_a_missed_deadline_of_the_most_urgent_pages_by_itself_until_the_ticket_is_resolved(
    office: Office,
) -> None:
    user = await office.hires("Olga")
    policy = await a_policy(
        office, {"afterMinutes": 0, "userId": str(user), "channels": ["EMAIL"]}, eventTypes=["sla.breached"]
    )
    for priority in ("P1", "P2"):
        ticket = await a_ticket(office)
        rise = {"id": str(ticket), "from": "P3", "to": priority}
        office.passes(seconds=1)
        await office.happens("ticket.priority_changed", f"Ticket/{ticket}", rise, customer=A)
        clock = {"ticketId": str(ticket), "metric": "RESOLUTION", "percent": 100}
        await office.happens("sla.breached", f"SlaClock/{uuid7()}", clock, customer=A)
        if priority == "P1":
            urgent = ticket

    query = "SELECT incident_ref, status FROM page WHERE policy_id = $1"
    assert await office.service.rows(query, UUID(policy)) == [
        {"incident_ref": f"Ticket/{urgent}", "status": "TRIGGERED"}
    ]
    await office.happens("ticket.resolved", f"Ticket/{urgent}", {"id": str(urgent)}, customer=A)
    assert [row["status"] for row in await office.service.rows(query, UUID(policy))] == ["RESOLVED"]


@pytest.mark.parametrize(
    ("entered", "error"),
    [
        ({"userIds": []}, ("VALIDATION", "userIds")),
        ({"userIds": ["rubbish"]}, ("NOT_FOUND", "userIds")),
        ({"userIds": [str(uuid7())]}, ("NOT_FOUND", "userIds")),
        ({"timeZone": "Mars/Olympus"}, ("VALIDATION", "timeZone")),
        ({"name": " "}, ("VALIDATION", "name")),
    ],
)
async def test_a_schedule_that_makes_no_sense_is_refused(
    office: Office, entered: dict[str, Any], error: tuple[str, str]
) -> None:
    user = await office.hires("Paul")
    usual = {"name": "Plan", "userIds": [str(user)], "startsOn": "2026-01-05"}
    assert await refused(office, SCHEDULE, **usual | entered) == error
    assert await office.service.rows("SELECT 1 FROM on_call_schedule WHERE name = 'Plan'") == []


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "steps"),
        ([{"afterMinutes": -1, "userId": "", "channels": []}], "userId"),
        ([{"afterMinutes": 0, "userId": str(uuid7()), "channels": []}], "userId"),
        ([{"afterMinutes": 0, "scheduleId": str(uuid7()), "channels": []}], "scheduleId"),
        ([{"afterMinutes": 0, "channels": ["SMS"]}], "scheduleId"),
        ([{"afterMinutes": 99999, "userId": str(uuid7()), "channels": []}], "afterMinutes"),
        ([{"afterMinutes": 0, "userId": str(uuid7()), "channels": ["TEAMS"]}], "channels"),
        ([{"afterMinutes": 5, "userId": str(uuid7()), "channels": []}] * 2, "afterMinutes"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(office: Office, steps: list[Any], field: str) -> None:
    assert (await refused(office, POLICY, name="x", steps=steps))[1] == field

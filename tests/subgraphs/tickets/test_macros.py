"""Macros do all that they say or nothing; and whoever has a ticket open is seen by those who work on it, until they leave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from subgraphs.kit import work
from subgraphs.kit.caller import Caller
from subgraphs.kit.errors import Forbidden, NotFound
from subgraphs.kit.work import Work
from subgraphs.tickets.service import presence
from tests.subgraphs.house import staff
from tests.subgraphs.tickets.desk import Desk, desk_of

MACRO = "macro { id name tags checklist { text required } version }"
TICKET = "ticket { id status priority assigneeId tags checklist { text } messages { kind bodyText } }"


@pytest.fixture
async def desk(start) -> Desk:
    made = await desk_of(await start("tickets"))
    made.it_is("2026-05-04 09:00")
    return made


async def test_a_macro_does_several_things_at_once(desk: Desk) -> None:
    steps = [{"text": "Toner bestellen", "required": False}]
    macro = await desk.do(
        "createMacro", MACRO, name="Toner", reply="Toner kommt morgen.", note="Lager: Regal 3", priority="P4",
        assignToMe=True, tags=["Toner"], checklist=steps, resolution="Toner getauscht",
    )  # fmt: skip
    ticket = await desk.opened(tags=["drucker"])

    done = await desk.do("applyMacro", TICKET, id=ticket, macroId=macro["id"])

    assert (done["status"], done["priority"], done["assigneeId"]) == ("RESOLVED", "P4", str(desk.caller.subject))
    assert (done["tags"], done["checklist"]) == (["drucker", "toner"], [{"text": "Toner bestellen"}])
    assert {(one["kind"], one["bodyText"]) for one in done["messages"]} >= {
        ("INTERNAL_NOTE", "Lager: Regal 3"),
        ("PUBLIC_REPLY", "Toner kommt morgen."),
    }


async def test_a_macro_of_which_one_part_is_refused_does_nothing(desk: Desk) -> None:
    required = [{"text": "Erst prüfen", "required": True}]
    macro = await desk.do("createMacro", MACRO, name="x", reply="Fertig", checklist=required, resolution="Fertig")
    mine = await desk.do("createMacro", MACRO, name="mine", assignToMe=True)
    ticket = await desk.opened()
    before = [await desk.service.count(table) for table in ("ticket_message", "checklist_item", "outbox")]

    assert (await desk.run("applyMacro", "ticket { id }", id=ticket, macroId=macro["id"]))[1] == [
        ("TICKET_STILL_OPEN", "id")
    ]
    weak = replace(desk.caller, scopes=frozenset({"tickets:read", "tickets:write"}))
    assert (await desk.run("applyMacro", "ticket { id }", weak, id=ticket, macroId=mine["id"]))[1] == [
        ("FORBIDDEN", None)
    ]
    after = [await desk.service.count(table) for table in ("ticket_message", "checklist_item")]
    assert after == before[:2]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, ("VALIDATION", "name")),
        ({"name": "", "reply": "x"}, ("VALIDATION", "name")),
        ({"queueId": "rubbish"}, ("NOT_FOUND", "queueId")),
        ({"queueId": str(uuid4())}, ("NOT_FOUND", "queueId")),
        ({"checklist": [{"text": "", "required": True}]}, ("VALIDATION", "checklist")),
        ({"tags": [""]}, ("VALIDATION", "tags")),
        ({"reply": "x" * 20_001}, ("VALIDATION", "reply")),
    ],
)
async def test_a_macro_that_makes_no_sense_is_refused(
    desk: Desk, given: dict[str, Any], error: tuple[str, str]
) -> None:
    assert await desk.run("createMacro", MACRO, **{"name": "m", **given}) == (None, [error])


async def test_two_macros_have_two_names_and_one_that_is_put_away_is_gone(desk: Desk) -> None:
    macro = await desk.do("createMacro", MACRO, name="Gruß", reply="Hallo")
    assert await desk.run("createMacro", MACRO, name="gruß", reply="Hi") == (None, [("CONFLICT", "name")])
    empty = await desk.run("updateMacro", MACRO, id=macro["id"], reply=None)
    assert empty == (None, [("VALIDATION", "name")])
    await desk.do("archiveMacro", MACRO, id=macro["id"])
    ticket = await desk.opened()
    assert (await desk.run("applyMacro", "ticket { id }", id=ticket, macroId=macro["id"]))[1] == [
        ("NOT_FOUND", "macroId")
    ]
    assert await desk.ask("{ macros { id } }") == {"macros": []}


# --- who is there


@dataclass
class Asking:
    """What a subscription has of who asks."""

    desk: Desk
    caller: Caller
    feed: None = None

    @asynccontextmanager
    async def work(self, _scope: str) -> AsyncIterator[Work]:
        """A transaction in their name."""
        service = self.desk.service
        async with work.begin(service.engine, self.caller, module="tickets", clock=lambda: service.moment) as job:
            yield job

    def forget(self) -> None:
        """There is nothing to forget."""


async def test_two_who_have_a_ticket_open_see_each_other_until_one_leaves(desk: Desk) -> None:
    ticket = await desk.opened()
    one, other = (Asking(desk, staff(desk.tenant, subject=uuid4())) for _ in "ab")
    async with aclosing(presence.watch(one, ticket, editing=False, every=0.01)) as mine:
        assert [seen[0] for seen in await anext(mine)] == [one.caller.subject]
        async with aclosing(presence.watch(other, ticket, editing=True, every=0.01)) as theirs:
            both = [(one.caller.subject, False), (other.caller.subject, True)]
            assert sorted(seen[:2] for seen in await anext(theirs)) == sorted(both)
            assert sorted(seen[:2] for seen in await anext(mine)) == sorted(both)
        assert [seen[0] for seen in await anext(mine)] == [one.caller.subject]
    assert await desk.service.rows("SELECT 1 FROM ticket_presence") == []


async def test_who_died_is_not_there_and_who_may_not_see_a_ticket_sees_nobody(desk: Desk) -> None:
    ticket = await desk.opened()
    ghost, living = (Asking(desk, staff(desk.tenant, subject=uuid4())) for _ in "ab")
    dead = presence.watch(ghost, ticket, editing=False, every=0.01)
    await anext(dead)
    desk.it_is("2026-05-04 09:01")
    async with aclosing(presence.watch(living, ticket, editing=False, every=0.01)) as watching:
        assert [seen[0] for seen in await anext(watching)] == [living.caller.subject]
    await dead.aclose()

    stranger = Asking(desk, staff(desk.tenant, subject=uuid4(), customers=frozenset({uuid4()})))
    with pytest.raises(NotFound):
        await anext(presence.watch(stranger, ticket, editing=False))
    with pytest.raises(NotFound):
        await anext(presence.watch(living, "rubbish", editing=False))
    customer = Asking(desk, staff(desk.tenant, subject=uuid4(), kind="CUSTOMER"))
    with pytest.raises(Forbidden):
        await anext(presence.watch(customer, ticket, editing=False))

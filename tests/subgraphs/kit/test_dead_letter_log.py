"""Dead letters in the graph and at the operator's desk: who sees which, and who may settle them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts.scopes import PERMISSIONS
from deploy.local import by_hand
from deploy.local.home import Trouble
from subgraphs.kit import dead_letter_desk, dead_letters, work
from subgraphs.kit.caller import system
from subgraphs.kit.dead_letter_desk import Done, Which
from subgraphs.kit.dead_letters import Action, Failure, Reason
from subgraphs.kit.errors import NotFound
from tests.subgraphs.conftest import Start
from tests.subgraphs.house import A, B, Service, staff

LISTED = """query ($filter: DeadLetterFilter) { ticketsDeadLetters(filter: $filter) {
    id kind status queue type eventId customerId reason error attempts event replays settledBy } }"""
SETTLE = """mutation ($input: SettleDeadLettersInput!) { settled: %sTicketsDeadLetters(input: $input) {
    settlement { id action count settled remaining } errors { code field } } }"""
REPLAY, DISCARD = SETTLE % "replay", SETTLE % "discard"
CUSTOMER = uuid4()


@pytest.fixture
async def service(start: Start) -> Service:
    """Tickets, with an empty archive."""
    service = await start("tickets")
    await service.rows("TRUNCATE dead_letter, settlement")
    return service


async def gives_up(service: Service, *, tenant: UUID = A, customer: UUID | None = None, kind: str = "x.done") -> str:
    """An event that was given up and has arrived; its id."""
    identity = str(uuid4())
    event: dict[str, Any] = {"id": identity, "tenantid": str(tenant), "data": {"n": 1}}
    body = orjson.dumps(event | ({"customerid": str(customer)} if customer else {}))
    failure = Failure("q.tickets.test", kind, body, Reason.FAILED, "Bug: no", 20)
    async with work.begin(service.engine, system(tenant), module="tickets", clock=lambda: service.moment) as job:
        await dead_letters.say_why(job, failure)
        await dead_letters.hold(job, failure)
    return identity


async def listed(service: Service, caller: Any = None, **wanted: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await service.data(LISTED, caller, filter=wanted or None))["ticketsDeadLetters"]
    return rows


async def test_what_is_held_is_shown_with_all_that_is_known_to_those_behind_the_same_walls(service: Service) -> None:
    event = await gives_up(service, customer=CUSTOMER)
    await gives_up(service, tenant=B)

    (row,) = await listed(service)
    assert row == {
        "id": row["id"],
        "kind": "EVENT",
        "status": "HELD",
        "queue": "q.tickets.test",
        "type": "x.done",
        "eventId": event,
        "customerId": str(CUSTOMER),
        "reason": "FAILED",
        "error": "Bug: no",
        "attempts": 20,
        "event": {"id": event, "tenantid": str(A), "customerid": str(CUSTOMER), "data": {"n": 1}},
        "replays": 0,
        "settledBy": None,
    }
    assert await listed(service, staff(customers=frozenset({uuid4()}))) == []
    assert len(await listed(service, staff(customers=frozenset({CUSTOMER})))) == 1
    refused = await service.ask(LISTED, staff(scopes=frozenset(PERMISSIONS) - {"deadletters:read"}))
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_filters_hold_together(service: Service) -> None:
    await gives_up(service)
    await gives_up(service, kind="y.done")

    assert len(await listed(service, kind="EVENT", type=["x.done", "z"], reason="FAILED", status=["HELD"])) == 1
    assert len(await listed(service, queue="q.tickets.test")) == 2
    for none in (
        {"kind": "JOB"},
        {"type": ["z"]},
        {"reason": "UNREADABLE"},
        {"status": ["DISCARDED"]},
        {"queue": "job"},
        {"heldAt": {"until": service.moment.isoformat()}},
    ):
        assert await listed(service, **none) == []


async def test_one_is_brought_back_once_however_often_it_is_asked_for(service: Service) -> None:
    await gives_up(service)
    await gives_up(service)
    wanted = (await listed(service))[0]["id"]
    given = {"ids": [wanted], "clientMutationId": "once"}

    first = (await service.data(REPLAY, input=given))["settled"]
    second = (await service.data(REPLAY, input=given))["settled"]

    assert first["errors"] == []
    assert (first["settlement"]["count"], first["settlement"]["settled"]) == (1, [wanted])
    assert second == first
    (sent,) = await service.rows("SELECT type, queue FROM outbox WHERE queue IS NOT NULL")
    assert sent == {"type": "x.done", "queue": "q.tickets.test"}
    (row,) = [one for one in await listed(service) if one["id"] == wanted]
    assert (row["status"], row["replays"], row["settledBy"]) == ("REPLAYED", 1, str(staff().subject))
    refused = (await service.data(REPLAY, input={"ids": [wanted]}))["settled"]
    assert refused == {"settlement": None, "errors": [{"code": "DEAD_LETTER_SETTLED", "field": "ids"}]}
    await service.rows("DELETE FROM outbox")


async def test_all_that_fit_are_let_go_of_ones_own_tenant(service: Service) -> None:
    for kind in ("x.done", "x.done", "y.done"):
        await gives_up(service, kind=kind)
    await gives_up(service, tenant=B)

    done = (await service.data(DISCARD, input={"where": {"type": ["x.done"]}}))["settled"]

    assert (done["settlement"]["action"], done["settlement"]["count"], done["settlement"]["remaining"]) == (
        "DISCARD",
        2,
        0,
    )
    assert [row["type"] for row in await listed(service, status=["HELD"])] == ["y.done"]
    assert len(await listed(service, staff(B), status=["HELD"])) == 1
    assert await service.rows("SELECT * FROM outbox WHERE queue IS NOT NULL") == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "VALIDATION"),
        ({"ids": [], "where": {}}, "VALIDATION"),
        ({"ids": []}, "VALIDATION"),
        ({"ids": ["rubbish"]}, "NOT_FOUND"),
        ({"ids": [str(UUID(int=0))]}, "NOT_FOUND"),
        ({"ids": [str(uuid4())] * 501}, "VALIDATION"),
    ],
)
async def test_what_makes_no_sense_is_refused(service: Service, given: dict[str, Any], code: str) -> None:
    await gives_up(service)

    answer = (await service.data(DISCARD, input=given))["settled"]

    assert answer == {"settlement": None, "errors": [{"code": code, "field": "ids"}]}
    assert [row["status"] for row in await listed(service)] == ["HELD"]


async def test_whoever_may_only_look_settles_nothing(service: Service) -> None:
    await gives_up(service)
    looks = staff(scopes=frozenset(PERMISSIONS) - {"deadletters:write"})

    answer = (await service.data(REPLAY, looks, input={"where": {}}))["settled"]

    assert answer == {"settlement": None, "errors": [{"code": "FORBIDDEN", "field": None}]}
    assert [row["status"] for row in await listed(service)] == ["HELD"]


async def test_the_operator_sees_and_settles_those_of_all_tenants(service: Service) -> None:
    for tenant in (A, B, UUID(int=0)):
        await gives_up(service, tenant=tenant)
    shown = [orjson.loads(line) for line in await dead_letter_desk.shown(service.settings)]
    assert sorted(one["tenant_id"] for one in shown) == sorted(map(str, (A, B, UUID(int=0))))

    one = Which(ids=(shown[0]["id"],))
    assert await dead_letter_desk.settle("tickets", service.settings, Action.DISCARD, one) == Done(1, 0)
    with pytest.raises(NotFound):
        await dead_letter_desk.settle("tickets", service.settings, Action.DISCARD, one)
    rest = Which(everything=True)
    assert await dead_letter_desk.settle("tickets", service.settings, Action.REPLAY, rest) == Done(2, 0)
    assert await dead_letter_desk.shown(service.settings) == []
    assert len(await service.rows("DELETE FROM outbox WHERE queue IS NOT NULL RETURNING 1")) == 2


async def test_the_same_for_the_whole_platform_that_runs_in_a_home(service: Service, tmp_path: Path) -> None:
    for tenant in (A, B):
        await gives_up(service, tenant=tenant)
    with by_hand.remembered(tmp_path, {"tickets": service.settings, "crm": service.settings}):
        shown = [orjson.loads(line) for line in await by_hand.dead_letters(tmp_path, ["tickets"], None, Which())]
        assert [one["module"] for one in shown] == ["tickets", "tickets"]
        one = Which(ids=(shown[0]["id"],))
        said = await by_hand.dead_letters(tmp_path, ["tickets"], Action.REPLAY, one)
        assert said == ["tickets: 1 brought back, 0 still held"]
        for wrong, words in ((one, "Nothing is held as"), (Which(), "Say which")):
            with pytest.raises(Trouble, match=words):
                await by_hand.dead_letters(tmp_path, [], Action.REPLAY, wrong)
        with pytest.raises(Trouble, match="There is no module tickts"):
            await by_hand.dead_letters(tmp_path, ["tickts"], None, Which())
    await service.rows("DELETE FROM outbox WHERE queue IS NOT NULL")

"""The end of an asset's life is told once for each threshold, whatever happens to the timers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from subgraphs.assets import consumers
from subgraphs.assets.module import module
from subgraphs.kit import jobs, work
from subgraphs.kit.caller import system
from tests.subgraphs.house import A

NORD = UUID("0192f000-0000-7000-8000-000000000101")

CREATE = "mutation($input: CreateAssetInput!) { createAsset(input: $input) { asset { id version } errors { code } } }"
SET = "mutation($input: SetEolDatesInput!) { setEolDates(input: $input) { asset { eolDate } errors { code field } } }"
MOVE = "mutation($id: ID!) {{ {move}(input: {{id: $id{more}}}) {{ asset {{ status }} errors {{ code }} }} }}"

FIVE = [
    ("2025-10-14", 365),
    ("2026-04-17", 180),
    ("2026-07-16", 90),
    ("2026-09-14", 30),
    ("2026-10-14", 0),
]


def day(text: str, hour: int = 2) -> datetime:
    return datetime.fromisoformat(text).replace(hour=hour, tzinfo=UTC)


class Timers:
    """The assets module, its queue, and a clock that the test moves."""

    def __init__(self, service):
        self.service = service

    @contextlib.contextmanager
    def at(self, moment):
        before, self.service.moment = self.service.moment, moment
        try:
            yield
        finally:
            self.service.moment = before

    async def asset(self, moment, **fields):
        given = {"name": "SRV-01", "type": "server", "status": "DEPLOYED", "customerId": str(NORD)} | fields
        with self.at(moment):
            payload = (await self.service.data(CREATE, input=given))["createAsset"]
        assert payload["errors"] == []
        return UUID(payload["asset"]["id"])

    async def set_eol(self, moment, asset, eol):
        with self.at(moment):
            payload = (await self.service.data(SET, input={"id": str(asset), "eolDate": eol}))["setEolDates"]
        assert payload == {"asset": {"eolDate": eol}, "errors": []}

    async def move(self, asset, *moves):
        for move in moves:
            more = ', wipeCertificate: "W-1"' if move == "disposeAsset" else ""
            payload = (await self.service.data(MOVE.format(move=move, more=more), id=str(asset)))[move]
            assert payload["errors"] == []

    async def set_since(self, asset, known=0):
        """How long after they were set the asset's timers fire, and what they carry; all but the first `known`."""
        rows = await self.service.rows(
            "SELECT execute_after - created AS wait, convert_from(payload, 'UTF8') AS payload FROM job"
            " WHERE convert_from(payload, 'UTF8')::jsonb ->> 'asset' = $1 ORDER BY id",
            str(asset),
        )
        return [(row["wait"], json.loads(row["payload"])) for row in rows][known:]

    async def fire(self, moment, payload):
        clock = lambda: moment  # noqa: E731
        begun = work.begin(self.service.engine, system(A), module="assets", command="job asset.eol", clock=clock)
        async with begun as job:
            await consumers.eol_due(job, payload)

    async def live(self, asset, moment, until=None):
        """Let every timer fire in time, the one that was set at `moment` first; those after `until` stay in the queue."""
        for known in itertools.count(len(await self.set_since(asset)) - 1):
            following = await self.set_since(asset, known)
            if not following:
                return None
            [(wait, payload)] = following
            if until and moment + wait > until:
                return payload
            moment += wait
            await self.fire(moment, payload)
        return None

    async def told(self, asset):
        rows = await self.service.rows(
            "SELECT envelope FROM outbox WHERE type = 'asset.eol' AND envelope ->> 'subject' = $1 ORDER BY position",
            f"Asset/{asset}",
        )
        envelopes = [json.loads(row["envelope"]) for row in rows]
        return [(one["time"][:16], one["data"]["thresholdDays"]) for one in envelopes]


@pytest.fixture(scope="module")
async def timers(start):
    service = await start("assets")
    await service.knows("Customer", NORD)
    utc = "INSERT INTO tenant_zone VALUES ($1, $2, 'UTC', now()) ON CONFLICT DO NOTHING"
    await service.rows(utc, A, UUID(int=0))  # so that nights are easy to read
    return Timers(service)


async def test_at_eol_1_five_thresholds_are_told_on_their_days(timers):
    begun = day("2025-01-01", 9)
    asset = await timers.asset(begun, eolDate="2026-10-14")

    await timers.live(asset, begun)

    assert await timers.told(asset) == [(f"{moment}T02:00", days) for moment, days in FIVE]


async def test_the_event_says_which_asset_ends_and_when(timers):
    begun = day("2025-01-01", 9)
    asset = await timers.asset(begun, eolDate="2026-10-14")
    await timers.live(asset, begun, until=day("2025-12-31"))

    [row] = await timers.service.rows(
        "SELECT envelope FROM outbox WHERE type = 'asset.eol' AND envelope ->> 'subject' = $1", f"Asset/{asset}"
    )
    envelope = json.loads(row["envelope"])
    assert (envelope["customerid"], envelope["actorkind"]) == (str(NORD), "SYSTEM")
    assert envelope["data"] == {
        "assetId": str(asset),
        "customerId": str(NORD),
        "name": "SRV-01",
        "eolDate": "2026-10-14",
        "thresholdDays": 365,
    }


async def test_at_eol_2_an_outage_is_caught_up_with_the_latest_passed_threshold_only(timers):
    begun = day("2025-01-01", 9)
    asset = await timers.asset(begun, eolDate="2026-10-14")
    waiting = await timers.live(asset, begun, until=day("2026-04-10"))

    await timers.fire(day("2026-07-20", 9), waiting)

    assert await timers.told(asset) == [("2025-10-14T02:00", 365), ("2026-07-20T09:00", 90)]
    await timers.live(asset, day("2026-07-20", 9))
    assert [days for _, days in await timers.told(asset)] == [365, 90, 30, 0]


async def test_a_timer_that_fires_twice_tells_once(timers):
    begun = day("2025-01-01", 9)
    asset = await timers.asset(begun, eolDate="2026-10-14")
    [(_, payload)] = await timers.set_since(asset)

    await timers.fire(day("2025-10-14"), payload)
    await timers.fire(day("2025-10-14", 3), payload)

    assert await timers.told(asset) == [("2025-10-14T02:00", 365)]
    assert [waiting["days"] for _, waiting in await timers.set_since(asset)] == [365, 180]


async def test_two_workers_with_the_same_timer_tell_once(timers):
    asset = await timers.asset(day("2025-01-01", 9), eolDate="2026-10-14")
    [(_, payload)] = await timers.set_since(asset)

    await asyncio.gather(*(timers.fire(day("2025-10-14"), payload) for _ in range(4)))

    assert await timers.told(asset) == [("2025-10-14T02:00", 365)]
    assert len(await timers.set_since(asset)) == 2


async def test_a_timer_for_a_date_that_was_changed_does_nothing(timers):
    asset = await timers.asset(day("2025-01-01", 9), eolDate="2026-10-14")
    [(_, outdated)] = await timers.set_since(asset)
    await timers.set_eol(day("2025-02-01", 9), asset, "2027-10-14")

    await timers.fire(day("2025-10-14"), outdated)

    assert await timers.told(asset) == []
    assert [(one["eol"], one["days"]) for _, one in await timers.set_since(asset)] == [
        ("2026-10-14", 365),
        ("2027-10-14", 365),
    ]


async def test_a_later_date_arms_what_lies_ahead_of_it_again(timers):
    begun, changed = day("2025-01-01", 9), day("2026-05-01", 9)
    asset = await timers.asset(begun, eolDate="2026-10-14")
    await timers.live(asset, begun, until=changed)

    await timers.set_eol(changed, asset, "2027-04-14")
    await timers.live(asset, changed)

    assert await timers.told(asset) == [
        ("2025-10-14T02:00", 365),
        ("2026-04-17T02:00", 180),
        ("2026-10-16T02:00", 180),
        ("2027-01-14T02:00", 90),
        ("2027-03-15T02:00", 30),
        ("2027-04-14T02:00", 0),
    ]


async def test_a_date_that_is_taken_away_silences_the_timers(timers):
    asset = await timers.asset(day("2025-01-01", 9), eolDate="2026-10-14")
    [(_, payload)] = await timers.set_since(asset)
    await timers.set_eol(day("2025-02-01", 9), asset, None)

    await timers.fire(day("2025-10-14"), payload)

    assert await timers.told(asset) == []
    assert len(await timers.set_since(asset)) == 1


async def test_setting_the_same_date_sets_no_second_timer(timers):
    asset = await timers.asset(day("2025-01-01", 9), eolDate="2026-10-14")

    await timers.set_eol(day("2025-02-01", 9), asset, "2026-10-14")

    assert len(await timers.set_since(asset)) == 1


@pytest.mark.parametrize("moves", [("retireAsset",), ("retireAsset", "disposeAsset"), ("reportLost",)])
async def test_what_is_out_of_use_is_silent(timers, moves):
    asset = await timers.asset(day("2025-01-01", 9), eolDate="2026-10-14")
    [(_, payload)] = await timers.set_since(asset)
    await timers.move(asset, *moves)

    await timers.fire(day("2025-10-14"), payload)

    assert await timers.told(asset) == []
    assert len(await timers.set_since(asset)) == 1


async def test_a_date_for_what_is_out_of_use_sets_no_timer(timers):
    asset = await timers.asset(day("2025-01-01", 9))
    await timers.move(asset, "retireAsset")

    await timers.set_eol(day("2025-02-01", 9), asset, "2026-10-14")

    assert await timers.set_since(asset) == []


async def test_an_asset_without_a_date_has_no_timer(timers):
    asset = await timers.asset(day("2025-01-01", 9), eosDate="2026-10-14")

    assert await timers.set_since(asset) == []


async def test_a_date_that_is_refused_sets_no_timer(timers):
    asset = await timers.asset(day("2025-01-01", 9))
    queued, told = await timers.service.count("job"), await timers.service.count("outbox")

    payload = (await timers.service.data(SET, input={"id": str(asset), "eolDate": "0001-01-01"}))["setEolDates"]

    assert payload == {"asset": None, "errors": [{"code": "VALIDATION", "field": "eolDate"}]}
    assert (await timers.service.count("job"), await timers.service.count("outbox")) == (queued, told)


async def test_a_date_in_the_past_is_told_in_the_next_night(timers):
    entered = day("2026-03-02", 9)
    asset = await timers.asset(entered, eolDate="2020-01-14")

    await timers.live(asset, entered)

    assert await timers.told(asset) == [("2026-03-03T02:00", 0)]


async def test_a_worker_does_what_is_due(timers):
    """The real queue and the real worker: as the relay's role takes the job, and the runtime role does it."""
    begun, due = day("2025-01-01", 9), day("2025-10-14")
    asset = await timers.asset(begun, eolDate="2026-10-14")
    [(wait, _)] = await timers.set_since(asset)
    assert begun + wait == due
    await timers.service.rows(
        "UPDATE job SET execute_after = now() WHERE convert_from(payload, 'UTF8')::jsonb ->> 'asset' = $1", str(asset)
    )

    begin = functools.partial(work.begin, timers.service.engine, module="assets", clock=lambda: due)
    url = timers.service.settings.needed("database_relay_url")
    worker = asyncio.create_task(jobs.work(url, "assets", module.jobs, begin, pace=jobs.Pace(poll_seconds=0.2)))
    async with asyncio.timeout(60):
        while not await timers.told(asset):
            await asyncio.sleep(0.05)
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker

    assert await timers.told(asset) == [("2025-10-14T02:00", 365)]
    [(wait, following)] = (await timers.set_since(asset))[-1:]
    assert (following["days"], due + wait) == (180, day("2026-04-17"))


def test_the_days_of_the_acceptance_test_are_those_of_the_calendar():
    eol = date(2026, 10, 14)
    assert [(str(eol - timedelta(days=days)), days) for _, days in FIVE] == FIVE

"""Tests of faults that can't fail prove nothing: here each of them meets code that is broken, and has to notice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from wires import request

from router.executor import dedupe, headers
from router.executor.circuit_breaker import Breaker
from router.executor.concurrency import Limiter
from router.executor.projection import Projection
from router.executor.retries import Budget
from router.planner import access
from router.server import authorization
from router.server.windows import LocalWindows
from tests.router.executor import (
    test_circuit_breaker,
    test_concurrency,
    test_dedupe,
    test_headers,
    test_retries,
)
from tests.router.server import test_authorization, test_windows
from tests.router.server.conftest import routing

Test = Callable[[], Awaitable[None]]


async def _notices(test: Test) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await test()


async def test_a_budget_that_never_ends(monkeypatch: Any) -> None:
    monkeypatch.setattr(Budget, "take", lambda _self: True)

    await _notices(test_retries.test_a_service_that_is_down_for_all_gets_no_storm)


async def test_mutations_that_are_queries(monkeypatch: Any) -> None:
    monkeypatch.setattr(test_retries, "request", lambda **_: request())

    await _notices(test_retries.test_a_mutation_is_never_sent_twice)


async def test_a_breaker_that_never_opens(monkeypatch: Any) -> None:
    monkeypatch.setattr(Breaker, "_open", lambda _self: None)

    await _notices(
        lambda: test_circuit_breaker.test_it_opens_when_half_of_at_least_five_fail_and_then_nothing_is_sent(
            test_circuit_breaker.TimedOut("late")
        )
    )


async def test_a_place_that_is_lost(monkeypatch: Any) -> None:
    monkeypatch.setattr(Limiter, "leave", lambda _self: None)

    async def hangs_no_longer_than_this() -> None:
        try:
            async with asyncio.timeout(0.5):
                await test_concurrency.test_no_more_than_the_limit_are_at_work_and_the_others_follow_in_order()
        except TimeoutError:
            raise AssertionError("the others never got their turn") from None

    await _notices(hangs_no_longer_than_this)


async def test_identities_that_share(monkeypatch: Any) -> None:
    blind = dedupe.NAMES_THE_REQUEST | {"authorization"}
    monkeypatch.setattr(dedupe, "NAMES_THE_REQUEST", blind)
    other = request(authorization="Bearer bob")

    await _notices(lambda: test_dedupe.test_whatever_could_change_the_answer_keeps_them_apart(other))


def test_headers_of_a_connection_that_travel(monkeypatch: Any) -> None:
    monkeypatch.setattr(headers, "_HOP_BY_HOP", frozenset())

    with pytest.raises(AssertionError):
        test_headers.test_what_a_service_is_told([test_headers.ALL], dict(_everything()))


def _everything() -> list[tuple[str, str]]:
    told = {"x-a": "1, 2", "x-b": "3", "cookie": "c=1; d=2", "authorization": "Bearer t"}
    return list(told.items())


async def test_windows_that_forget(monkeypatch: Any) -> None:
    monkeypatch.setattr(LocalWindows, "_add", lambda *_: None)

    await _notices(test_windows.test_keys_do_not_know_each_other)


async def test_a_plan_of_all_that_was_asked(monkeypatch: Any) -> None:
    kept = access._Restriction._marked
    monkeypatch.setattr(
        access._Restriction, "_marked", lambda self, node: access.replace(kept(self, node), planned=node)
    )

    await _notices(
        lambda: test_authorization.test_a_field_that_the_caller_may_not_see_is_null_with_an_error_and_never_fetched(
            routing
        )
    )


async def test_an_answer_that_shows_what_was_fetched_for_us(monkeypatch: Any) -> None:
    kept = Projection._merged

    def shown(self: Any, *arguments: Any) -> Any:
        selected = kept(self, *arguments)
        selected.withheld = False
        return selected

    monkeypatch.setattr(Projection, "_merged", shown)

    await _notices(lambda: test_authorization.test_data_that_are_fetched_for_us_do_not_reach_the_client(routing))


async def test_a_hook_that_fails_open(monkeypatch: Any) -> None:
    async def granted(_self: Any, _name: str, _hook: Any, policies: frozenset[str], _request: Any) -> frozenset[str]:
        return policies

    monkeypatch.setattr(authorization.Authorizer, "_ask", granted)

    await _notices(lambda: test_authorization.test_a_hook_that_does_not_say_yes_in_time_shuts(routing, "broken"))

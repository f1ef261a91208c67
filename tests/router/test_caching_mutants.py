"""Tests of what is kept that can't fail prove nothing: here they meet code that is broken, and have to notice."""

from __future__ import annotations

from typing import Any

import pytest

from router.executor import dedupe
from router.executor.caching.asked_for import AskedFor
from router.executor.caching.cached import Asker
from router.executor.caching.memory_store import MemoryStore
from tests.router.server import test_response_cache
from tests.router.server.conftest import routing


async def _notices(test: Any, *given: Any) -> None:
    with pytest.RaisesGroup(AssertionError, allow_unwrapped=True, flatten_subgroups=True):
        await test(routing, *given)


async def test_a_store_that_takes_what_was_fetched_before(monkeypatch: Any) -> None:
    monkeypatch.setattr(MemoryStore, "_holds", lambda *_: True)

    await _notices(test_response_cache.test_what_was_fetched_before_an_invalidation_and_comes_after_it_is_not_kept)


async def test_a_fetch_that_joins_one_from_before(monkeypatch: Any) -> None:
    whole = dedupe.key
    monkeypatch.setattr(dedupe, "key", lambda request: (*whole(request)[:3], 0))

    await _notices(test_response_cache.test_what_was_fetched_before_an_invalidation_and_comes_after_it_is_not_kept)


async def test_tags_of_objects_that_are_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(AskedFor, "_within", lambda *_, **__: iter(()))

    await _notices(test_response_cache.test_whose_key_was_not_asked_for_goes_with_every_tag_that_could_be_its)


async def test_askers_that_look_all_the_same(monkeypatch: Any) -> None:
    monkeypatch.setattr(Asker, "shared", lambda *_: None)

    await _notices(
        test_response_cache.TestWhoSeesWhat().test_headers_that_are_passed_on_tell_callers_apart_and_others_do_not
    )

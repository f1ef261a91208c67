"""What was taken back is known without anybody waiting for it, but for the first list and one that is too old."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from router.executor.transport import Answer
from router.server import revocations
from router.server.revocations import Revocations


class Auth:
    """Says what was taken back, as soon as it's let."""

    def __init__(self) -> None:
        self.taken_back: list[str] = []
        self.asked = 0
        self.may_answer = asyncio.Event()

    async def exchange(self, *_asked: Any, **_rest: Any) -> Answer:
        self.asked += 1
        await self.may_answer.wait()
        revoked = [{"subject": subject, "at": 100.0, "expiresAt": 9e9} for subject in self.taken_back]
        return Answer(200, orjson.dumps({"now": 200.0, "revoked": revoked}))


def known_by(auth: Auth, location: str | None = "http://auth/revocations") -> Revocations:
    return Revocations(lambda: location, auth, lambda: "token")


async def test_where_nobody_can_take_anything_back_nobody_is_ever_waited_for() -> None:
    auth = Auth()
    known_list = known_by(auth, None)

    assert [known_list.hit_now({"u"}, 50.0) for _ in range(3)] == [False, False, False]
    assert await known_list.hit({"u"}, 50.0) is False
    assert auth.asked == 0


async def test_the_first_known_listis_waited_for() -> None:
    auth = Auth()
    auth.taken_back = ["u"]
    known_list = known_by(auth)

    assert known_list.hit_now({"u"}, 50.0) is None
    waiting = asyncio.create_task(known_list.hit({"u"}, 50.0))
    auth.may_answer.set()

    assert await waiting is True
    assert known_list.hit_now({"u"}, 50.0) is True
    assert known_list.hit_now({"u"}, 101.0) is False
    assert auth.asked == 1


async def test_while_a_newer_known_listcomes_the_one_of_a_moment_ago_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = Auth()
    auth.may_answer.set()
    known_list = known_by(auth)
    assert await known_list.hit({"u"}, 50.0) is False
    monkeypatch.setattr(revocations, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(revocations, "AGAIN_SECONDS", 0.0)
    auth.may_answer.clear()
    auth.taken_back = ["u"]

    assert [known_list.hit_now({"u"}, 50.0) for _ in range(3)] == [False, False, False]
    auth.may_answer.set()
    async with asyncio.timeout(60):
        while not known_list.hit_now({"u"}, 50.0):
            await asyncio.sleep(0)


async def test_a_known_listthat_is_too_old_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = Auth()
    auth.may_answer.set()
    known_list = known_by(auth)
    assert await known_list.hit({"u"}, 50.0) is False
    for name in ("EVERY_SECONDS", "AGAIN_SECONDS"):
        monkeypatch.setattr(revocations, name, 0.0)
    monkeypatch.setattr(revocations, "PATIENCE_SECONDS", -1.0)
    auth.taken_back = ["u"]

    assert known_list.hit_now({"u"}, 50.0) is None
    assert await known_list.hit({"u"}, 50.0) is True

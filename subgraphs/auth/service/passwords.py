"""Passwords: hashed with argon2id in threads of their own, and refused when thieves know them already."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import argon2
import httpx2
import structlog
import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from subgraphs.auth.models.credentials import Password
from subgraphs.auth.models.people import User
from subgraphs.auth.rules import credentials as rules
from subgraphs.kit.config import Settings
from subgraphs.kit.errors import Invalid
from subgraphs.kit.work import Work

T = TypeVar("T")

log = structlog.get_logger(__name__)

_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")
"""A hash takes 64 MiB and a tenth of a second: two at a time, and everybody else waits outside the event loop."""

_ASK_SECONDS = 3.0
_ZXCVBN_LOOKS_AT = 64
_GUESSABLE = 3


async def choose(work: Work, user: User, password: str, *, field: str = "password") -> None:
    """Set a user's password; raises `Invalid` when it is too short, easy to guess, or stolen."""
    words = (user.email, user.email.partition("@")[0], user.display_name, user.first_name or "", user.last_name or "")
    normal = rules.password(password, field=field, like=words)
    if await _run(_easily_guessed, normal, words) or await known_to_thieves(normal, work.settings):
        raise Invalid("This password stands in lists that thieves use, or is easily guessed.", field=field)
    hashed = await _run(_hasher(work.settings).hash, normal)
    row = await work.session.get(Password, {"tenant_id": work.caller.tenant, "user_id": user.id}, with_for_update=True)
    if row is None:
        work.session.add(Password(user_id=user.id, hash=hashed, changed_at=work.at))
    else:
        row.hash, row.changed_at = hashed, work.at


async def hashed(password: str, settings: Settings) -> str:
    """What is kept of a password."""
    return await _run(_hasher(settings).hash, _normal(password))


async def is_right(work: Work, user: UUID | None, password: str) -> bool:
    """Whether this is the user's password; somebody who does not exist takes as long as somebody who does."""
    row = None if user is None else await work.session.get(Password, {"tenant_id": work.caller.tenant, "user_id": user})
    hasher = _hasher(work.settings)
    kept = row.hash if row else _nobodys(hasher)
    right = await _run(_matches, hasher, kept, _normal(password))
    if row is None or not right:
        return False
    if hasher.check_needs_rehash(row.hash):
        row.hash = await _run(hasher.hash, _normal(password))
    return True


async def has_one(work: Work, user: UUID) -> bool:
    """Whether a user has a password."""
    return await work.session.get(Password, {"tenant_id": work.caller.tenant, "user_id": user}) is not None


def _normal(password: str) -> str:
    """A password as it was hashed, cut where hashing it would only be work for us."""
    return unicodedata.normalize("NFKC", password[: rules.LONGEST_PASSWORD + 1])


async def known_to_thieves(password: str, settings: Settings) -> bool:
    """Whether the password is known to be stolen.

    The service that is asked, if any, learns five digits of the password's hash and nothing else (k-anonymity); it may be
    a folder with one file for each five digits. It is a courtesy: when it cannot be asked, nobody is kept from signing up.
    """
    if password.casefold() in _stolen():
        return True
    if settings.breached_passwords_url is None:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        lines = await _range(settings.breached_passwords_url, digest[:5])
    except (OSError, httpx2.HTTPError) as error:
        log.warning("breached_passwords.unreachable", reason=repr(error))
        return False
    return any(line.partition(":")[0].strip().upper() == digest[5:] for line in lines.splitlines())


async def _range(location: str, prefix: str) -> str:
    if location.startswith("file:"):
        folder = Path(unquote(urlsplit(location).path))
        return await asyncio.to_thread((folder / prefix).read_text, encoding="ascii")
    async with httpx2.AsyncClient(timeout=_ASK_SECONDS, follow_redirects=False) as client:
        response = await client.get(f"{location.rstrip('/')}/{prefix}", headers={"Add-Padding": "true"})
        response.raise_for_status()
        return response.text


async def _run(function: Callable[..., T], *arguments: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, functools.partial(function, *arguments))


def _hasher(settings: Settings) -> argon2.PasswordHasher:
    return _at_cost(rules.HashCost.of(settings.password_hashing))


@functools.cache
def _at_cost(cost: rules.HashCost) -> argon2.PasswordHasher:
    return argon2.PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)


def _matches(hasher: argon2.PasswordHasher, kept: str, password: str) -> bool:
    try:
        return hasher.verify(kept, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _easily_guessed(password: str, words: tuple[str, ...]) -> bool:
    return int(zxcvbn.zxcvbn(password[:_ZXCVBN_LOOKS_AT], user_inputs=list(words))["score"]) < _GUESSABLE


@functools.cache
def _nobodys(hasher: argon2.PasswordHasher) -> str:
    """A hash of what nobody knows, with which those who do not exist are compared."""
    return hasher.hash(hashlib.sha256(str(id(object())).encode()).hexdigest())


@functools.cache
def _stolen() -> frozenset[str]:
    """The thirty thousand passwords that are chosen most often."""
    return frozenset(FREQUENCY_LISTS["passwords"])

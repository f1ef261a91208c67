"""The people of the demo as users who can sign in: with a password that is made for this home, and told once.

They are written straight into the module's tables, through its own functions and as its own role: before there is a user,
nobody could ask for one. Whoever sees only some customers is written down when these customers are there.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from deploy.local import home as homes
from deploy.local import identity
from deploy.local.people import TENANTS, Person, Tenant
from deploy.local.wishes import wished
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.credentials import Password
from subgraphs.auth.models.people import User
from subgraphs.auth.rules.people import UserKind, UserStatus
from subgraphs.auth.service import grants, keys, passwords, people
from subgraphs.kit import database, sealing, work
from subgraphs.kit.caller import system
from subgraphs.kit.config import Settings
from subgraphs.kit.work import Work

Begin = Callable[[UUID], AbstractAsyncContextManager[Work]]

_WORDS = "anker birke deich ebbe fjord gischt hafen insel kutter leuchte moor nebel otter priel reet segel tide ufer welle zander"


def sealing_key_file(home: Path) -> Path:
    """The key that seals what must not be read from the database."""
    file = home / "identity" / "sealing.key"
    homes.private_file(file, sealing.new_key)
    return file


def mail_folder(home: Path) -> Path:
    """Where mails go instead of a server."""
    folder = home / "mail"
    homes.make_directory(folder)
    return folder


def password(home: Path) -> str:
    """The password of everybody in the demo, made for this home."""
    return homes.private_file(home / "identity" / "demo-password", _new_password).strip()


def settings(home: Path, issuer: str) -> Mapping[str, str]:
    """What the module auth must know beside the others' settings."""
    return {
        "issuer": issuer,
        "sealing_key_file": str(sealing_key_file(home)),
        "mail_url": f"file://{mail_folder(home)}",
        "mail_from": "no-reply@psa.example",
        **wished("mail_url", "mail_from"),
    }


def notify_settings(home: Path, issuer: str) -> Mapping[str, str]:
    """What the module notify must know: the same folder for mails, and a key of its own for the secrets of channels."""
    file = home / "identity" / "channels.key"
    homes.private_file(file, sealing.new_key)
    return {**settings(home, issuer), "sealing_key_file": str(file), **wished("app_url", "webhook_networks")}


async def make(home: Path, known: Settings) -> bool:
    """Write down tenants and people, as far as they can be by now; whether anybody was new."""
    made = 0
    async with _works(known) as begin:
        async with begin(PLATFORM) as job:
            await keys.adopt(job, identity.issuer_key(home).as_dict(private=True))
        for tenant in TENANTS:
            async with begin(tenant.id) as job:
                made += await _people(job, home, tenant)
    return made > 0


async def _people(job: Work, home: Path, tenant: Tenant) -> int:
    found = await people.found_tenant(job, slug=tenant.slug, name=tenant.name)
    found.settings = found.settings or {"signIn": {"mfaRequired": False, "mfaRoles": []}}
    there = set(await job.session.scalars(select(User.id)))
    customers = identity.customers(home, tenant)
    contacts = identity.contacts(home, tenant)
    missing = [one for one in tenant.people if one.id not in there and set(one.customers or ()) <= customers.keys()]
    hashed = await passwords.hashed(password(home), job.settings) if missing else ""
    for person in missing:
        user = await _person(job, person, customers, contacts.get(person.email))
        job.session.add(Password(user_id=user.id, hash=hashed, changed_at=job.at))
    return len(missing)


async def _person(job: Work, person: Person, customers: Mapping[str, UUID], contact: UUID | None) -> User:
    own = [customers[number] for number in person.customers or ()]
    first, _, last = person.name.rpartition(" ")
    user = await people.create(
        job,
        user_id=person.id,
        email=person.email,
        display_name=person.name,
        first_name=first,
        last_name=last,
        kind=UserKind(person.kind),
        customer_id=own[0] if own else None,
        contact_id=contact,
        status=UserStatus.ACTIVE,
    )
    await grants.assign(job, user, person.role)
    for customer in own[1:]:
        await grants.allow_customer(job, user, customer)
    return user


@asynccontextmanager
async def _works(known: Settings) -> AsyncIterator[Begin]:
    engine = database.engine(known.needed("database_url"), application="psa-demo", pool_size=1)

    @asynccontextmanager
    async def begin(tenant: UUID) -> AsyncIterator[Work]:
        async with work.begin(engine, system(tenant), module="auth", command="demo", settings=known) as job:
            yield job

    try:
        yield begin
    finally:
        await engine.dispose()


def _new_password() -> str:
    """Four words and a number: easy to type, and too many to guess."""
    words = _WORDS.split()
    return "-".join([*(secrets.choice(words) for _ in range(4)), str(secrets.randbelow(9000) + 1000)])

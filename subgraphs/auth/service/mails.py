"""Mails: invitations and new passwords. The link is made when the mail is sent, so that nothing else ever holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
from sqlalchemy import delete, select

from subgraphs.auth import handles
from subgraphs.auth.errors import LinkSpent
from subgraphs.auth.models.credentials import MailToken
from subgraphs.auth.models.people import Tenant, User
from subgraphs.auth.rules.credentials import LINK_LIFE, MailPurpose
from subgraphs.auth.rules.people import UserStatus
from subgraphs.kit import jobs
from subgraphs.kit.ids import uuid7
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work

_NAME = "auth.send_link"
_SECONDS = 20.0

_PAGES = {MailPurpose.INVITATION: "invitation", MailPurpose.RESET: "reset"}

_WORDS: Mapping[tuple[MailPurpose, str], tuple[str, str]] = MappingProxyType(
    {
        (MailPurpose.INVITATION, "de"): (
            "Einladung zu {tenant}",
            (
                "Guten Tag {name},\n\n{tenant} hat Sie eingeladen. Hier wählen Sie, wie Sie sich anmelden:\n\n{link}\n\n"
                "Der Link gilt sieben Tage und kann einmal benutzt werden.\n"
            ),
        ),
        (MailPurpose.INVITATION, "en"): (
            "Invitation to {tenant}",
            (
                "Hello {name},\n\n{tenant} has invited you. Choose how you sign in here:\n\n{link}\n\n"
                "The link holds for seven days, and can be used once.\n"
            ),
        ),
        (MailPurpose.RESET, "de"): (
            "Neues Passwort für {tenant}",
            (
                "Guten Tag {name},\n\njemand (hoffentlich Sie) möchte ein neues Passwort für Sie wählen:\n\n{link}\n\n"
                "Der Link gilt 30 Minuten und kann einmal benutzt werden. Wenn Sie das nicht waren, brauchen Sie nichts zu tun.\n"
            ),
        ),
        (MailPurpose.RESET, "en"): (
            "New password for {tenant}",
            (
                "Hello {name},\n\nsomebody (we hope you) wants to choose a new password for you:\n\n{link}\n\n"
                "The link holds for 30 minutes, and can be used once. If that was not you, there is nothing to do.\n"
            ),
        ),
    }
)


async def send_link(work: Work, user: User, purpose: MailPurpose) -> None:
    """Have a link sent to a user; one of each kind is on its way at a time."""
    payload = {"user": str(user.id), "purpose": purpose.value}
    await jobs.enqueue(work, _NAME, payload, key=f"{_NAME}/{purpose.value}/{user.id}")


async def follow(work: Work, handle: str, purpose: MailPurpose, *, use: bool) -> User:
    """The user whose link this is; raises `LinkSpent` when it holds no more. `use` it up, or only look."""
    key = {"tenant_id": work.caller.tenant, "token_hash": handles.hashed(handle)}
    token = await work.session.get(MailToken, key, with_for_update=use, populate_existing=True)
    if token is None or token.purpose is not purpose or token.used_at is not None or token.expires_at <= work.at:
        raise LinkSpent("This link was used before, or has expired.")
    user = await work.find(User, token.user_id)
    if user is None or user.status not in _MAY_FOLLOW[purpose]:
        raise LinkSpent("This link was used before, or has expired.")
    if use:
        token.used_at = work.at
    return user


_MAY_FOLLOW = {MailPurpose.INVITATION: {UserStatus.INVITED}, MailPurpose.RESET: {UserStatus.ACTIVE, UserStatus.LOCKED}}


async def _send_link(work: Work, payload: Payload) -> None:
    purpose = MailPurpose(payload["purpose"])
    user = await work.find(User, UUID(payload["user"]))
    if user is None or user.status not in _MAY_FOLLOW[purpose]:
        return
    tenant = await work.session.scalar(select(Tenant))
    link = await _link(work, user, purpose)
    subject, text = _WORDS[purpose, user.locale[:2] if user.locale[:2] in {"de", "en"} else "en"]
    facts = {"tenant": tenant.name if tenant else "PSA", "name": user.display_name, "link": link}
    await deliver(work, user.email, subject.format(**facts), text.format(**facts))


async def _link(work: Work, user: User, purpose: MailPurpose) -> str:
    """A new link; those that were sent before hold no more."""
    handle = handles.new(work.caller.tenant)
    before = delete(MailToken).where(MailToken.user_id == user.id, MailToken.purpose == purpose)
    await work.session.execute(before.execution_options(synchronize_session=False))
    row = MailToken(
        token_hash=handles.hashed(handle), user_id=user.id, purpose=purpose, expires_at=work.at + LINK_LIFE[purpose]
    )
    work.session.add(row)
    return f"{work.settings.needed('issuer')}/auth/{_PAGES[purpose]}?token={handle}"


async def deliver(work: Work, to: str, subject: str, text: str) -> None:
    """Hand a mail over: to a server, or into a folder."""
    location = urlsplit(work.settings.needed("mail_url"))
    message = EmailMessage()
    message["Subject"] = " ".join(subject.split())
    sender = work.settings.mail_from or f"no-reply@{urlsplit(work.settings.needed('issuer')).hostname}"
    message["Date"] = format_datetime(work.at)
    message["From"] = sender
    message["To"] = Address(addr_spec=to)
    message["Message-ID"] = f"<{uuid7()}@{sender.rpartition('@')[2].strip('>') or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    if location.scheme == "file":
        await asyncio.to_thread(_into_folder, Path(unquote(location.path)), message)
        return
    await aiosmtplib.send(
        message,
        hostname=location.hostname,
        port=location.port or (465 if location.scheme == "smtps" else 587),
        username=unquote(location.username) if location.username else None,
        password=unquote(location.password) if location.password else None,
        use_tls=location.scheme == "smtps",
        # A relay on this machine needs no TLS; every other one must offer it.
        start_tls=None if location.scheme == "smtps" or location.hostname in {"127.0.0.1", "localhost"} else True,
        timeout=_SECONDS,
    )


def _into_folder(folder: Path, message: EmailMessage) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{uuid7()}"
    draft.write_bytes(bytes(message))
    draft.rename(folder / f"{draft.name[1:]}.eml")


SEND = Job(_NAME, _send_link)

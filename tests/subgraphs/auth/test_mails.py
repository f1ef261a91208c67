"""Invitations and links for new passwords arrive where mails arrive: at a server that speaks SMTP, or in a folder."""

from __future__ import annotations

import asyncio
import email.policy
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from contracts.scopes import ROLES
from subgraphs.auth.models.people import User
from tests.subgraphs.auth.conftest import PASSWORD, Auth
from tests.subgraphs.auth.working import done, working
from tests.subgraphs.house import ISSUER, staff

INVITE = "mutation($i: InviteUserInput!) { inviteUser(input: $i) { user { id } errors { code field } } }"
CHOSEN = "eine Laterne im Regen 88"


class Inbox:
    """What a mail server does with what it is given."""

    def __init__(self) -> None:
        self.port = 0
        self._arrived: asyncio.Queue[tuple[list[str], bytes]] = asyncio.Queue()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        content = envelope.content or b""
        await self._arrived.put((envelope.rcpt_tos, content if isinstance(content, bytes) else content.encode()))
        return "250 OK"

    async def next(self) -> tuple[list[str], EmailMessage]:
        """For whom the next mail is, and the mail."""
        async with asyncio.timeout(60):
            recipients, content = await self._arrived.get()
        return recipients, read(content)


def read(content: bytes) -> EmailMessage:
    message = BytesParser(policy=email.policy.default).parsebytes(content)
    assert isinstance(message, EmailMessage)
    return message


def link(message: EmailMessage, page: str) -> str:
    """The only link in a mail."""
    [found] = re.findall(r"https?://\S+", message.get_content())
    assert re.fullmatch(rf"{re.escape(ISSUER)}/auth/{page}\?token=[\w-]{{60,}}", found), found
    return str(found)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """A real mail server."""
    kept = Inbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(kept), "127.0.0.1", 0)
    kept.port = server.sockets[0].getsockname()[1]
    yield kept
    server.close()
    await server.wait_closed()


async def invited(auth: Auth) -> str:
    """The address of somebody whom an admin has just invited."""
    admin: User = await auth.person(role="admin")
    address = f"{uuid4().hex[:12]}@example.org"
    given = {"email": address, "displayName": "Jörg Brand", "roles": ["technician"], "locale": "de-DE"}
    asking = staff(subject=admin.id, scopes=ROLES["admin"])
    answer = (await auth.service.data(INVITE, asking, i=given))["inviteUser"]
    assert answer["errors"] == []
    return address


async def test_an_invitation_arrives_and_lets_its_reader_in_once(auth: Auth, inbox: Inbox):
    address = await invited(auth)
    async with working(auth, mail_url=SecretStr(f"smtp://127.0.0.1:{inbox.port}")):
        recipients, message = await inbox.next()
        await done(auth, "auth.send_link")
    browser, second = auth.browser(), auth.browser()
    where = link(message, "invitation")

    await browser.open(where)
    await browser.send("/auth/invitation", password=CHOSEN)
    await second.open(where)

    assert recipients == [address]
    assert (message["To"], message["Subject"]) == (address, "Einladung zu Tenant a")
    assert "Guten Tag Jörg Brand," in message.get_content()
    assert message["Date"].datetime == auth.service.moment
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith(f"@{message['From'].addresses[0].domain}>")
    assert browser.title == "Mein Konto"
    assert second.page.status_code == 410


async def test_a_link_for_a_new_password_arrives_and_the_old_one_opens_nothing_any_more(auth: Auth, inbox: Inbox):
    user = await auth.person()
    browser = auth.browser()
    await browser.open("/auth/forgot")
    await browser.send("/auth/forgot", email=user.email)
    async with working(auth, mail_url=SecretStr(f"smtp://127.0.0.1:{inbox.port}")):
        recipients, message = await inbox.next()
        await done(auth, "auth.send_link")

    await browser.open(link(message, "reset"))
    await browser.send("/auth/reset", password=CHOSEN)
    old = auth.browser()
    await old.open("/auth/sign-in")
    await old.send("/auth/sign-in", email=user.email, password=PASSWORD)

    assert (recipients, message["Subject"]) == ([user.email], "New password for Tenant a")
    assert browser.title == "My account"
    assert old.page.status_code == 401


async def test_without_a_server_mails_are_files_in_a_folder_of_their_own(auth: Auth, tmp_path: Path):
    folder = tmp_path / "mails to send"
    address = await invited(auth)
    async with working(auth, mail_url=SecretStr(folder.as_uri())), asyncio.timeout(60):
        while not (files := list(folder.glob("*.eml"))):
            await asyncio.sleep(0.05)
        await done(auth, "auth.send_link")

    [message] = [read(one.read_bytes()) for one in files]
    browser = auth.browser()
    await browser.open(link(message, "invitation"))

    assert message["To"] == address
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.glob(".*")) == []
    assert browser.page.status_code == 200
